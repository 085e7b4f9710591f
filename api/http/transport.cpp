#include "api/http/transport.h"

#include <pistache/tcp.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <system_error>

#include "api/base/log.h"

namespace mx2::http {
namespace {

using Peer = std::shared_ptr<Pistache::Tcp::Peer>;

constexpr const char* kConnection = "mx2";
constexpr long kLookEveryNs = 500'000'000;  // at connections that may have expired

std::shared_ptr<Connection> connection_of(const Peer& peer) {
  return std::static_pointer_cast<Connection>(peer->getData(kConnection));
}

// What Pistache reads goes to the connection.
class Bridge final : public Pistache::Tcp::Handler {
 public:
  PROTOTYPE_OF(Pistache::Tcp::Handler, Bridge)
  explicit Bridge(Shared& shared) : shared_(&shared) {}

  void onConnection(const Peer& peer) override {
    auto& worker = static_cast<Transport&>(*transport());
    auto connection = std::make_shared<Connection>(*shared_, worker, peer);
    peer->putData(kConnection, connection);
    if (shared_->connections > shared_->options.connections_max) {
      connection->refuse(unavailable("too many connections"));
    }
  }

  void onInput(const char* buffer, std::size_t size, const Peer& peer) override {
    connection_of(peer)->on_input({buffer, size});
  }

  void onDisconnection(const Peer& peer) override { connection_of(peer)->on_disconnect(); }

 private:
  Shared* shared_;
};

}  // namespace

Transport::Transport(Shared& shared)
    : Pistache::Tcp::Transport(std::make_shared<Bridge>(shared)), shared_(shared) {}

std::shared_ptr<Pistache::Aio::Handler> Transport::clone() const {
  return std::make_shared<Transport>(shared_);
}

void Transport::registerPoller(Pistache::Polling::Epoll& poller) {
  Pistache::Tcp::Transport::registerPoller(poller);
  work_.bind(poller);
  timer_ = Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!timer_.is_open()) throw std::system_error(errno, std::generic_category());
  const itimerspec period{{0, kLookEveryNs}, {0, kLookEveryNs}};
  ::timerfd_settime(timer_.get(), 0, &period, nullptr);
  using Pistache::Polling::NotifyOn;
  poller.addFd(timer_.get(), Pistache::Flags<NotifyOn>(NotifyOn::Read),
               Pistache::Polling::Tag(timer_.get()));
}

// Pistache throws when the kernel refuses something, e.g. to watch one more descriptor.
void Transport::onReady(const Pistache::Aio::FdSet& ready) {
  try {
    Pistache::Tcp::Transport::onReady(ready);
    bool looks = false;
    for (const auto& entry : ready) {
      looks |= entry.getTag() == Pistache::Polling::Tag(timer_.get());
    }
    work();
    if (looks) end_expired();
  } catch (const std::exception& e) {
    log::error("a connection's event was lost", {{"reason", e.what()}});
  }
}

// Until a worker has seen it the socket is the queue's, which may end before.
void Transport::hand_over(Fd socket, const sockaddr_storage& peer) {
  auto address =
      Pistache::Address::fromUnix(const_cast<sockaddr*>(reinterpret_cast<const sockaddr*>(&peer)));
  work_.push(
      std::function<void()>([this, address, shared = std::make_shared<Fd>(std::move(socket))] {
        handleNewPeer(Pistache::Tcp::Peer::Create(shared->release(), address));
      }));
}

void Transport::resume(std::shared_ptr<Connection> connection) {
  work_.push(std::function<void()>([this, connection = std::move(connection)] {
    if (const auto peer = connection->resume()) removePeer(peer);
  }));
}

void Transport::work() {
  while (const auto task = work_.popSafe()) (*task)();
}

void Transport::end_expired() {
  std::uint64_t periods = 0;
  static_cast<void>(::read(timer_.get(), &periods, sizeof periods));
  const auto now = std::chrono::steady_clock::now();
  std::vector<Peer> expired;
  for (const auto& [fd, peer] : peers) {
    if (connection_of(peer)->expire(now)) expired.push_back(peer);
  }
  for (const auto& peer : expired) removePeer(peer);
}

void Transport::close() {
  for (const auto& [fd, peer] : peers) {
    connection_of(peer)->on_disconnect();
    ::close(fd);
  }
  peers.clear();
}

}  // namespace mx2::http
