#include "api/http/stream_loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace mx2::http {
namespace {

constexpr unsigned kUnackedMs = 30000;
constexpr std::uint64_t kWakeId = 0;

}  // namespace

// What a stream and the loop share. Lock order: this mutex before the loop's.
class StreamSocket {
 public:
  StreamSocket(StreamLoop& loop, std::uint64_t id, int fd, std::shared_ptr<void> connection,
               ClientGone gone)
      : loop_(loop), id_(id), fd_(fd), connection_(std::move(connection)), gone_(std::move(gone)) {
    ::setsockopt(fd_, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnackedMs, sizeof kUnackedMs);
  }

  bool send(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    if (fd_ < 0 || ending_) return false;
    const bool waiting = !unsent_.empty();
    if (!waiting) bytes.remove_prefix(write(bytes));
    unsent_ += bytes;
    if (unsent_.size() > kStreamUnsentBytesMax) {
      cut();
      return false;
    }
    if (!waiting && !unsent_.empty()) loop_.watch(EPOLL_CTL_MOD, fd_, id_, true);
    return true;
  }

  void close() {
    const std::lock_guard lock(mutex_);
    gone_ = nullptr;
    ending_ = true;
    if (unsent_.empty()) release();
  }

  // On the loop's thread.
  void on_ready(std::uint32_t events) {
    ClientGone gone;
    {
      const std::lock_guard lock(mutex_);
      if (fd_ < 0) return;
      unsent_.erase(0, write(unsent_));
      if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        gone.swap(gone_);
        release();
      } else if (unsent_.empty()) {
        loop_.watch(EPOLL_CTL_MOD, fd_, id_, false);
        if (ending_) release();
      }
    }
    if (gone) gone();
  }

  void cut_off() {
    const std::lock_guard lock(mutex_);
    gone_ = nullptr;
    if (fd_ >= 0) cut();
  }

 private:
  std::size_t write(std::string_view bytes) const {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }

  // What the kernel still holds for this client is thrown away, too.
  void cut() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::shutdown(fd_, SHUT_RD);  // Pistache may hold the socket as well, for a moment
    release();
  }

  void release() {
    if (fd_ < 0) return;
    loop_.forget(fd_, id_);
    ::shutdown(fd_, SHUT_WR);
    ::close(std::exchange(fd_, -1));
    std::string().swap(unsent_);
    connection_.reset();
  }

  StreamLoop& loop_;
  const std::uint64_t id_;

  std::mutex mutex_;
  int fd_;  // -1: over
  std::shared_ptr<void> connection_;
  ClientGone gone_;
  std::string unsent_;
  bool ending_ = false;  // over when everything is written
};

namespace {

class SocketStream final : public Stream {
 public:
  explicit SocketStream(std::shared_ptr<StreamSocket> socket) : socket_(std::move(socket)) {}
  ~SocketStream() override { socket_->close(); }
  bool send(std::string_view bytes) noexcept override { return socket_->send(bytes); }
  void close() noexcept override { socket_->close(); }

 private:
  std::shared_ptr<StreamSocket> socket_;
};

}  // namespace

StreamLoop::~StreamLoop() {
  stop();
  if (wake_ >= 0) ::close(wake_);
  if (epoll_ >= 0) ::close(epoll_);
}

std::unique_ptr<Stream> StreamLoop::add(int fd, std::shared_ptr<void> connection, ClientGone gone) {
  const auto id = ++last_id_;
  auto socket =
      std::make_shared<StreamSocket>(*this, id, fd, std::move(connection), std::move(gone));
  auto stream = std::make_unique<SocketStream>(socket);
  {
    const std::lock_guard lock(mutex_);
    start();
    sockets_.emplace(id, std::move(socket));
  }
  if (!watch(EPOLL_CTL_ADD, fd, id, false)) throw std::runtime_error("cannot watch a socket");
  return stream;
}

void StreamLoop::start() {
  if (stopped_) throw std::runtime_error("the server is stopping");
  if (thread_.joinable()) return;
  if (epoll_ < 0) epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (wake_ < 0) wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (!watch(EPOLL_CTL_ADD, wake_, kWakeId, false)) throw std::runtime_error("no epoll to be had");
  thread_ = std::thread([this] { run(); });
}

bool StreamLoop::watch(int operation, int fd, std::uint64_t id, bool unsent) const {
  epoll_event event{};
  event.events = EPOLLRDHUP;
  if (unsent) event.events |= EPOLLOUT;
  if (id == kWakeId) event.events = EPOLLIN;
  event.data.u64 = id;
  return ::epoll_ctl(epoll_, operation, fd, &event) == 0;
}

void StreamLoop::forget(int fd, std::uint64_t id) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  const std::lock_guard lock(mutex_);
  sockets_.erase(id);
}

std::shared_ptr<StreamSocket> StreamLoop::find(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto it = sockets_.find(id);
  return it == sockets_.end() ? nullptr : it->second;
}

void StreamLoop::run() {
  std::array<epoll_event, 64> ready{};
  for (;;) {
    const int count = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), -1);
    for (int i = 0; i < count; ++i) {
      const auto& event = ready.at(static_cast<std::size_t>(i));
      if (event.data.u64 == kWakeId) return;
      if (const auto socket = find(event.data.u64)) socket->on_ready(event.events);
    }
  }
}

void StreamLoop::stop() {
  std::unordered_map<std::uint64_t, std::shared_ptr<StreamSocket>> open;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    static_cast<void>(::write(wake_, &one, sizeof one));
    thread_.join();
  }
  {
    const std::lock_guard lock(mutex_);
    open.swap(sockets_);
  }
  for (const auto& [id, socket] : open) socket->cut_off();
}

}  // namespace mx2::http
