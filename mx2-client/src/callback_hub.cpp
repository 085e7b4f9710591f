#include "mx2-client/src/callback_hub.h"

#include <stdexcept>

#include "api/base/ip.h"
#include "api/http/problem.h"
#include "mx2-client/src/endpoint.h"

namespace mx2::device {
namespace {

constexpr std::size_t kBodyBytesMax = 64U * 1024;

}  // namespace

CallbackHub::CallbackHub(std::string orchestrator_url, std::string address, std::uint16_t port)
    : orchestrator_url_(std::move(orchestrator_url)), address_(std::move(address)), port_(port) {}

CallbackHub::~CallbackHub() {
  if (server_) server_->stop(100);
}

Result<void> CallbackHub::start() {
  if (server_) return {};
  const auto address =
      address_.empty() ? local_address_towards(orchestrator_url_) : std::optional(address_);
  if (!address) return unavailable("no route to " + orchestrator_url_);
  http::ServerOptions options;
  options.address = *address;
  options.port = port_;
  options.threads = 1;
  options.body_bytes_max = kBodyBytesMax;
  options.connections_max = 64;
  auto server = std::make_unique<http::PistacheServer>(options);
  try {
    server->start(*this);
  } catch (const std::exception& e) {
    return unavailable(e.what());
  }
  base_ = "http://" + authority(*address, server->port()) + "/";
  server_ = std::move(server);
  return {};
}

Result<std::string> CallbackHub::add(Inbox inbox) {
  const auto token = ids_.next();
  const std::lock_guard lock(mutex_);
  if (auto started = start(); !started) return started.error();
  inboxes_["/" + token] = std::make_shared<Inbox>(std::move(inbox));
  return base_ + token;
}

void CallbackHub::remove(const std::string& callback_reference) {
  const auto slash = callback_reference.rfind('/');
  if (slash == std::string::npos) return;
  const std::lock_guard lock(mutex_);
  inboxes_.erase(callback_reference.substr(slash));
}

void CallbackHub::handle(http::Request request, http::Responder responder) {
  responder.reply(receive(request));
}

http::Reply CallbackHub::receive(const http::Request& request) {
  std::shared_ptr<Inbox> inbox;
  {
    const std::lock_guard lock(mutex_);
    const auto found = inboxes_.find(request.path);
    if (found != inboxes_.end()) inbox = found->second;
  }
  if (!inbox) return http::problem_reply(not_found("nobody is called back here"));
  if (request.method != "POST") {
    auto reply =
        http::problem_reply(refused_as(ErrorCode::kMethodNotAllowed, "a notification is a POST"));
    reply.headers.emplace_back("Allow", "POST");
    return reply;
  }
  auto notification = read_notification(request.body);
  if (!notification) return http::problem_reply(notification.error());
  const Told told{std::move(*notification), read_number(request.header("Mx2-Sequence"))};
  if (!(*inbox)(told)) {
    return http::problem_reply(invalid_argument("is another context", "/contextId"));
  }
  return http::no_content();
}

}  // namespace mx2::device
