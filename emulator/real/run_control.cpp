// What a real run has to do with the orchestrator and the Optimizer.
#include <algorithm>

#include "api/http/http_client.h"
#include "api/mx2/codec.h"
#include "emulator/real/run.h"
#include "emulator/topology_of.h"

namespace mx2::emulator {
namespace {

constexpr const char* kContexts = "/dev_app/v1/app_contexts";
constexpr std::string_view kUePath = "/ue/";
constexpr std::string_view kDevice = "dev:";
constexpr int kCreated = 201;
constexpr int kOk = 200;
constexpr int kErrors = 300;

const http::Headers kJson = {{"Content-Type", "application/json"}};

std::string words_of(const Result<http::Reply>& reply) {
  return reply ? std::to_string(reply->status) + " " + reply->body : reply.error().detail;
}

}  // namespace

http::OutgoingRequest RealRun::create_request(std::uint32_t id) const {
  const auto& ue = ues_[id];
  const auto& lambda = scenario_.lambdas[ue.lambda];
  AppContext context;
  context.associate_dev_app_id = device_of(id);
  // Who probes is not told: nobody coordinates its access.
  const bool probes = scenario_.strategy.kind == StrategyKind::kMultiple;
  if (!probes)
    context.callback_reference = "http://127.0.0.1:" + std::to_string(server_.port()) +
                                 std::string(kUePath) + std::to_string(id);
  context.app_info.app_d_id = lambda.id;
  context.app_info.app_name = lambda.id;
  context.app_info.app_provider = "emulator";
  context.app_info.app_d_version = "1.0";
  context.app_info.user_app_instance_info.emplace_back();
  auto headers = kJson;
  headers.emplace_back("X-Forwarded-For", address_in(ue.cell, id));
  return {"POST", system_.mx2_url() + kContexts, std::move(headers), codec::encode(context)};
}

Result<void> RealRun::open_all() {
  http::CurlClient client({});
  for (std::uint32_t id = 0; id < ues_.size(); ++id) {
    auto& ue = ues_[id];
    if (!ue.context.empty()) {
      (void)client.send("DELETE", system_.mx2_url() + kContexts + ("/" + ue.context), {}, "");
    }
    const auto request = create_request(id);
    context_made(id, client.send(request.method, request.url, request.headers, request.body));
    if (!problem_.empty()) return unavailable(problem_);
    use_context(id);
    ue.entry = static_cast<std::uint16_t>(ue.endpoints.front().host);
    ue.named.clear();
    for (const auto& endpoint : ue.endpoints) ue.named.push_back(endpoint.host);
  }
  return {};
}

// As in simulated time, everybody begins where the first plan puts them.
Result<void> RealRun::set_up() {
  if (auto opened = open_all(); !opened) return opened;
  if (dispatches() && scenario_.strategy.follows) return system_.put_dispatcher_rows(cells());
  if (!scenario_.strategy.has_optimizer()) return {};
  if (auto planned = system_.plan_and_wait(cells()); !planned) return planned;
  if (auto position = follow_from_now(); !position) return position;
  if (auto opened = open_all(); !opened) return opened;
  const std::lock_guard lock(mutex_);
  notices_.clear();
  return {};
}

std::vector<std::uint32_t> RealRun::cells() const {
  std::vector<std::uint32_t> cells;
  cells.reserve(ues_.size());
  for (const auto& ue : ues_) cells.push_back(ue.cell);
  return cells;
}

Result<void> RealRun::follow_from_now() {
  const auto reply =
      http::CurlClient({}).send("GET", system_.operator_url() + "/operator/v1/snapshot", {}, "");
  if (!reply) return reply.error();
  const auto document = json::parse(reply->body);
  if (!document || !document->contains("position")) return unavailable("no position in the feed");
  position_ = document->at("position").get<std::uint64_t>();
  return {};
}

void RealRun::end_context(std::uint32_t id, Time) {
  client_.begin({"DELETE", system_.mx2_url() + kContexts + ("/" + ues_[id].context), {}, ""},
                [this, id](const Result<http::Reply>&) { begin_context(id); });
}

void RealRun::begin_context(std::uint32_t id) {
  if (closing_) return;
  client_.begin(create_request(id), [this, id](const Result<http::Reply>& reply) {
    context_made(id, reply);
    events_.push(now() + 2 * to_orchestrator(ues_[id]), EventKind::kContextNew, id);
  });
}

void RealRun::context_made(std::uint32_t id, const Result<http::Reply>& reply) {
  if (!reply || reply->status != kCreated) {
    problem_ = "no context for " + device_of(id) + ": " + words_of(reply);
    return;
  }
  const auto context = codec::decode_app_context(reply->body);
  auto& ue = ues_[id];
  ue.coming.clear();
  for (std::size_t i = 0; context && i < context->app_info.user_app_instance_info.size(); ++i) {
    const auto& uri = context->app_info.user_app_instance_info[i].reference_uri;
    const auto host = system_.host_of(uri);
    if (host != kNobody && i < kEndpointsMax) ue.coming.push_back({host, uri});
  }
  if (ue.coming.empty()) {
    problem_ = "the context of " + device_of(id) + " leads nowhere: " + reply->body;
    return;
  }
  ue.context = context->context_id;
}

// Rows of UEs are written here: no Optimizer runs.
void RealRun::find_dispatcher(std::uint32_t id, Time at) {
  auto& ue = ues_[id];
  const bool own_row = go_to_nearest(ue, at);
  ue.named = {ue.entry};
  if (!own_row) return;
  client_.begin(system_.dispatcher_row(id, ue.entry), [this](const Result<http::Reply>& reply) {
    if (reply && reply->status < kErrors) return;
    problem_ = "a dispatcher's row: " + words_of(reply);
  });
}

void RealRun::handle(http::Request request, http::Responder responder) {
  responder.reply(http::no_content());
  const auto notification = codec::decode_notification(request.body);
  if (!notification || !request.path.starts_with(kUePath)) return;
  const auto* moved = std::get_if<AddressChangeNotification>(&*notification);
  if (moved == nullptr) return;
  const auto id = std::strtoul(request.path.c_str() + kUePath.size(), nullptr, 10);
  if (id >= ues_.size()) return;
  {
    const std::lock_guard lock(mutex_);
    notices_.push_back({static_cast<std::uint32_t>(id), moved->context_id, moved->reference_uri});
  }
  client_.wake();
}

// The POST was quick; what it would have taken to the UE is added.
void RealRun::take_notices(Time at) {
  std::vector<Notice> notices;
  {
    const std::lock_guard lock(mutex_);
    notices.swap(notices_);
  }
  for (const auto& notice : notices) {
    auto& ue = ues_[notice.ue];
    const auto host = system_.host_of(notice.uri);
    if (notice.context != ue.context || host == kNobody) continue;
    ue.coming = {{host, notice.uri}};
    count_notification(ue, at);
    events_.push(at + to_orchestrator(ue), EventKind::kNotified, notice.ue);
  }
}

void RealRun::plan_all(Time) {
  if (auto told = system_.plan(cells()); !told) problem_ = told.error().detail;
}

void RealRun::poll_changes() {
  if (closing_) return;
  const auto url = system_.operator_url() +
                   "/operator/v1/changes?since=" + std::to_string(position_) + "&wait_ms=10000";
  client_.begin({"GET", url, {}, ""},
                [this](const Result<http::Reply>& reply) { take_changes(reply); });
}

void RealRun::take_changes(const Result<http::Reply>& reply) {
  if (!reply || reply->status != kOk) {
    problem_ = "the orchestrator's feed: " + words_of(reply);
    return;
  }
  const auto document = json::parse(reply->body);
  if (!document) {
    problem_ = "the orchestrator's feed: " + document.error().detail;
    return;
  }
  position_ = document->at("position").get<std::uint64_t>();
  for (const auto& change : document->at("changes")) {
    if (change.value("kind", "") != "row") continue;
    const auto selector = change.value("ue", "");
    if (!selector.starts_with(kDevice)) continue;
    const auto id = ue_of(selector.substr(kDevice.size()));
    if (id < ues_.size()) rewritten(id, change.at("targets"), now());
  }
  poll_changes();
}

void RealRun::rewritten(std::uint32_t id, const json::Value& targets, Time at) {
  auto& ue = ues_[id];
  std::vector<std::uint32_t> named;
  for (const auto& target : targets) {
    const auto host = system_.host_of(target.get<std::string>());
    if (host != kNobody && named.size() < scenario_.strategy.named()) named.push_back(host);
  }
  if (named.empty()) return;
  ue.named = std::move(named);
  (void)rewrite(ue, ue.named.front(), at);
}

}  // namespace mx2::emulator
