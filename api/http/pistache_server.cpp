#include "api/http/pistache_server.h"

#include <netinet/in.h>
#include <pistache/endpoint.h>
#include <sys/socket.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "api/base/log.h"
#include "api/base/text.h"
#include "api/http/connection.h"

namespace mx2::http {
namespace {

constexpr const char* kConnection = "mx2";
constexpr int kBacklog = 4096;

// Pistache makes one copy of this per worker thread; all share `shared`.
class Bridge final : public Pistache::Http::Handler {
 public:
  HTTP_PROTOTYPE(Bridge)
  explicit Bridge(Shared& shared) : shared_(&shared) {}

  void onRequest(const Pistache::Http::Request& /*request*/,
                 Pistache::Http::ResponseWriter /*response*/) override {}  // see onInput

 private:
  void onConnection(const std::shared_ptr<Pistache::Tcp::Peer>& peer) override {
    // Pistache looks at this parser's age to find idle connections; ours does the parsing.
    peer->putData(ParserData, std::make_shared<Pistache::Http::RequestParser>(1));
    peer->setIdle(true);  // nothing is begun: when its time is over it is closed without a 408
    auto connection = std::make_shared<Connection>(*shared_, peer);
    peer->putData(kConnection, connection);
    if (shared_->connections > shared_->options.connections_max) {
      connection->refuse(unavailable("too many connections"));
    }
  }

  void onInput(const char* buffer, size_t len,
               const std::shared_ptr<Pistache::Tcp::Peer>& peer) override {
    peer->setIdle(false);
    connection_of(peer)->on_input({buffer, len});
  }

  void onDisconnection(const std::shared_ptr<Pistache::Tcp::Peer>& peer) override {
    connection_of(peer)->on_disconnect();
  }

  static std::shared_ptr<Connection> connection_of(
      const std::shared_ptr<Pistache::Tcp::Peer>& peer) {
    return std::static_pointer_cast<Connection>(peer->getData(kConnection));
  }

  Shared* shared_;
};

bool listens_on(int fd, std::uint16_t port) {
  int listening = 0;
  socklen_t size = sizeof listening;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0) return false;
  sockaddr_in6 address{};  // an IPv4 port is at the same place
  size = sizeof address;
  return listening != 0 && ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         ntohs(address.sin6_port) == port;
}

// Pistache 0.0.5 drops its backlog option and listens with 128, so that in a burst of connections
// some wait a second for their second SYN. It keeps the socket to itself; listen() may be repeated.
void deepen_backlog(std::uint16_t port) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const auto fd = parse_uint(entry.path().filename().string());
    if (fd && listens_on(static_cast<int>(*fd), port)) ::listen(static_cast<int>(*fd), kBacklog);
  }
}

}  // namespace

struct PistacheServer::Impl {
  Shared shared;
  std::unique_ptr<Pistache::Http::Endpoint> endpoint;
};

PistacheServer::PistacheServer(ServerOptions options) : impl_(std::make_unique<Impl>()) {
  impl_->shared.options = std::move(options);
}

PistacheServer::~PistacheServer() { stop(0); }

void PistacheServer::start(Handler& handler) {
  std::signal(SIGPIPE, SIG_IGN);  // a client that leaves early is not an event for the process
  const auto& options = impl_->shared.options;
  impl_->shared.handler = &handler;
  const bool v6 = options.address.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + options.address + "]" : options.address;
  const auto idle = std::chrono::milliseconds(options.idle_timeout_ms);
  try {
    impl_->endpoint = std::make_unique<Pistache::Http::Endpoint>(
        Pistache::Address(host + ":" + std::to_string(options.port)));
    impl_->endpoint->init(
        Pistache::Http::Endpoint::options()
            .threads(options.threads)
            .threadsName("mx2-http")
            .flags(Pistache::Tcp::Options::ReuseAddr | Pistache::Tcp::Options::NoDelay)
            .maxRequestSize(options.body_bytes_max)
            .headerTimeout(idle)
            .bodyTimeout(idle)
            .keepaliveTimeout(idle));
    impl_->endpoint->setHandler(std::make_shared<Bridge>(impl_->shared));
    impl_->endpoint->serveThreaded();
    deepen_backlog(port());
  } catch (const std::exception& e) {
    impl_->endpoint.reset();
    throw std::runtime_error("cannot listen on " + host + ":" + std::to_string(options.port) +
                             ": " + e.what());
  }
}

std::uint16_t PistacheServer::port() const {
  return static_cast<std::uint16_t>(impl_->endpoint->getPort());
}

void PistacheServer::stop(int grace_ms) {
  if (!impl_->endpoint) return;
  using Clock = std::chrono::steady_clock;
  impl_->shared.draining = true;
  const auto deadline = Clock::now() + std::chrono::milliseconds(grace_ms);
  while (impl_->shared.in_flight > 0 && Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  impl_->shared.streams.stop();
  impl_->endpoint->shutdown();
  impl_->endpoint.reset();
}

}  // namespace mx2::http
