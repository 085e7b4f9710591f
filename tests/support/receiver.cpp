#include "tests/support/receiver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "tests/support/socket.h"

namespace mx2::test {
namespace {

constexpr int kTickMs = 5;

http::ServerOptions receiver_options() {
  http::ServerOptions options;
  options.threads = 2;
  return options;
}

}  // namespace

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

json::Value Heard::json() const { return json::parse(body).value(); }

std::string Heard::header(const std::string& name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

Receiver::Receiver(Answer answer) : answer_(std::move(answer)), server_(receiver_options()) {
  server_.start(*this);
}

Receiver::~Receiver() { server_.stop(0); }

std::string Receiver::url(const std::string& path, const std::string& host) const {
  return "http://" + host + ":" + std::to_string(server_.port()) + path;
}

void Receiver::handle(http::Request request, http::Responder responder) {
  Heard heard{std::move(request.path), std::move(request.headers), std::move(request.body),
              std::chrono::steady_clock::now()};
  std::size_t n = 0;
  {
    const std::lock_guard guard(mutex_);
    n = heard_.size();
    heard_.push_back(heard);
  }
  changed_.notify_all();
  responder.reply(answer_(heard, n));
}

bool Receiver::hears(std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::milliseconds(kPatienceMs),
                           [&] { return heard_.size() >= count; });
}

std::vector<Heard> Receiver::heard() const {
  const std::lock_guard guard(mutex_);
  return heard_;
}

std::vector<Heard> Receiver::heard(const std::string& path) const {
  auto all = heard();
  all.erase(std::remove_if(all.begin(), all.end(), [&](const auto& h) { return h.path != path; }),
            all.end());
  return all;
}

BadReceiver::BadReceiver(Manner manner, std::string text)
    : manner_(manner), text_(std::move(text)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, any, size) != 0 || ::listen(listener_, 1024) != 0 ||
      ::getsockname(listener_, any, &size) != 0) {
    throw std::runtime_error("cannot listen");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

BadReceiver::~BadReceiver() {
  stopping_ = true;
  thread_.join();
  for (const auto& [fd, asked] : open_) ::close(fd);
  ::close(listener_);
}

std::string BadReceiver::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

void BadReceiver::accept_one() {
  const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  ++accepted_;
  if (manner_ == Manner::kCloses) {
    ::close(fd);
    return;
  }
  open_[fd] = false;
}

bool BadReceiver::talk(int fd) {
  std::array<char, 65536> bytes{};
  const auto got = ::recv(fd, bytes.data(), bytes.size(), 0);
  if (got <= 0) return false;
  ++asked_;
  open_[fd] = true;
  if (manner_ == Manner::kHeaders || manner_ == Manner::kSlowHeaders) {
    return ::send(fd, "HTTP/1.1 200 OK\r\n", 17, MSG_NOSIGNAL) == 17;
  }
  if (manner_ == Manner::kSilent) return true;
  static_cast<void>(::send(fd, text_.data(), text_.size(), MSG_NOSIGNAL));
  return manner_ == Manner::kText;
}

bool BadReceiver::trickle(int fd) const {
  const std::string line = "X-More: " + std::string(manner_ == Manner::kHeaders ? 900 : 1, 'x');
  return !open_.at(fd) || ::send(fd, (line + "\r\n").data(), line.size() + 2, MSG_NOSIGNAL) > 0 ||
         errno == EAGAIN;
}

void BadReceiver::serve() {
  const bool trickles = manner_ == Manner::kHeaders || manner_ == Manner::kSlowHeaders;
  while (!stopping_) {
    std::vector<pollfd> polled{{listener_, POLLIN, 0}};
    for (const auto& [fd, asked] : open_) polled.push_back({fd, POLLIN, 0});
    static_cast<void>(::poll(polled.data(), polled.size(), kTickMs));
    for (std::size_t i = 1; i < polled.size(); ++i) {
      const int fd = polled[i].fd;
      const bool keep = polled[i].revents != 0 ? talk(fd) : !trickles || trickle(fd);
      if (keep) continue;
      ::close(fd);
      open_.erase(fd);
    }
    if (polled[0].revents != 0) accept_one();
  }
}

}  // namespace mx2::test
