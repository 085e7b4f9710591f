#include "api/http/acceptor.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "api/base/log.h"

namespace mx2::http {
namespace {

constexpr int kBacklog = 4096;
constexpr int kPauseMs = 100;
constexpr int kAcceptedAtOnce = 256;  // then stop() is looked for
constexpr std::chrono::seconds kTellEvery{10};

int checked(int result) {
  if (result < 0) throw std::system_error(errno, std::generic_category());
  return result;
}

void switch_on(int fd, int level, int option) {
  const int on = 1;
  ::setsockopt(fd, level, option, &on, sizeof on);
}

Fd listening_socket(const addrinfo& where) {
  Fd fd(checked(::socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)));
  switch_on(fd.get(), SOL_SOCKET, SO_REUSEADDR);
  checked(::bind(fd.get(), where.ai_addr, where.ai_addrlen));
  checked(::listen(fd.get(), kBacklog));
  return fd;
}

// accept(2): what was the matter of the one connection that is lost, so that the next may be fine.
bool concerns_one(int error) {
  static constexpr std::array kErrors{ECONNABORTED, EINTR,       EPROTO,    ENETDOWN,
                                      ENOPROTOOPT,  EHOSTDOWN,   ENONET,    EHOSTUNREACH,
                                      EOPNOTSUPP,   ENETUNREACH, ETIMEDOUT, EPERM};
  return std::find(kErrors.begin(), kErrors.end(), error) != kErrors.end();
}

}  // namespace

Acceptor::Acceptor(const std::string& address, std::uint16_t port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &wanted, &found);
  if (error != 0) throw std::runtime_error(::gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> freed(found, ::freeaddrinfo);
  listening_ = listening_socket(*found);
  wake_ = Fd(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
}

std::uint16_t Acceptor::port() const {
  sockaddr_in6 address{};  // an IPv4 port is at the same place
  socklen_t size = sizeof address;
  ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin6_port);
}

void Acceptor::start(Take take) {
  take_ = std::move(take);
  thread_ = std::thread([this] { run(); });
}

void Acceptor::stop() {
  if (thread_.joinable()) {
    ::eventfd_write(wake_.get(), 1);
    thread_.join();
  }
  listening_.close();
}

void Acceptor::run() {
  ::pthread_setname_np(::pthread_self(), "mx2-accept");
  for (;;) {
    // poll() passes over a negative descriptor: while accepting pauses, only stop() ends the wait.
    std::array<pollfd, 2> waited{
        {{wake_.get(), POLLIN, 0}, {paused_ ? -1 : listening_.get(), POLLIN, 0}}};
    ::poll(waited.data(), waited.size(), paused_ ? kPauseMs : -1);
    if (waited[0].revents != 0) return;
    const int error = accept_waiting();
    error == 0 ? resume() : pause(error);
  }
}

// 0, or why no connection can be accepted at present.
int Acceptor::accept_waiting() {
  for (int accepted = 0; accepted < kAcceptedAtOnce; ++accepted) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    Fd socket(::accept4(listening_.get(), reinterpret_cast<sockaddr*>(&peer), &size,
                        SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.is_open()) {
      const int error = errno;
      if (error == EAGAIN) return 0;
      if (!concerns_one(error)) return error;
      continue;
    }
    switch_on(socket.get(), IPPROTO_TCP, TCP_NODELAY);
    try {
      take_(std::move(socket), peer);
    } catch (const std::exception& e) {
      log::error("connection not taken", {{"reason", e.what()}});
    }
  }
  return 0;
}

void Acceptor::pause(int error) {
  paused_ = true;
  const auto now = std::chrono::steady_clock::now();
  if (told_ || now < tell_at_) return;
  told_ = true;
  tell_at_ = now + kTellEvery;
  log::warn("new connections wait: out of descriptors or memory",
            {{"port", port()}, {"reason", std::generic_category().message(error)}});
}

void Acceptor::resume() {
  paused_ = false;
  if (!std::exchange(told_, false)) return;
  log::info("new connections are taken again", {{"port", port()}});
}

}  // namespace mx2::http
