#include "api/http/pistache_server.h"

#include <pistache/reactor.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>
#include <vector>

#include "api/base/ip.h"
#include "api/http/acceptor.h"
#include "api/http/connection.h"
#include "api/http/transport.h"

namespace mx2::http {

// In the order in which they may go: workers after their threads, which the reactor owns, and what
// connections share after the workers.
struct PistacheServer::Impl {
  Shared shared;
  std::vector<std::shared_ptr<Transport>> workers;
  std::shared_ptr<Pistache::Aio::Reactor> reactor;
  std::unique_ptr<Acceptor> acceptor;
  std::size_t next_worker = 0;  // of the acceptor's thread
  std::uint16_t port = 0;

  void start_workers() {
    reactor = Pistache::Aio::Reactor::create();
    const auto count = static_cast<std::size_t>(shared.options.threads);
    reactor->init(Pistache::Aio::AsyncContext(count, "mx2-http"));
    const auto key = reactor->addHandler(std::make_shared<Transport>(shared));
    for (const auto& worker : reactor->handlers(key)) {
      workers.push_back(std::static_pointer_cast<Transport>(worker));
    }
    reactor->run();
  }
};

PistacheServer::PistacheServer(ServerOptions options) : impl_(std::make_unique<Impl>()) {
  impl_->shared.options = std::move(options);
}

PistacheServer::~PistacheServer() { stop(0); }

void PistacheServer::start(Handler& handler) {
  std::signal(SIGPIPE, SIG_IGN);  // a client that leaves early is not an event for the process
  const auto& options = impl_->shared.options;
  impl_->shared.handler = &handler;
  try {
    auto acceptor = std::make_unique<Acceptor>(options.address, options.port);
    impl_->start_workers();
    impl_->port = acceptor->port();
    impl_->acceptor = std::move(acceptor);
  } catch (const std::exception& e) {
    throw std::runtime_error("cannot listen on " + authority(options.address, options.port) + ": " +
                             e.what());
  }
  impl_->acceptor->start([impl = impl_.get()](Fd socket, const sockaddr_storage& peer) {
    impl->workers[impl->next_worker++ % impl->workers.size()]->hand_over(std::move(socket), peer);
  });
}

std::uint16_t PistacheServer::port() const { return impl_->port; }

void PistacheServer::stop(int grace_ms) {
  if (!impl_->acceptor) return;
  using Clock = std::chrono::steady_clock;
  impl_->shared.draining = true;
  const auto deadline = Clock::now() + std::chrono::milliseconds(grace_ms);
  while (impl_->shared.in_flight > 0 && Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  impl_->shared.streams.stop();
  impl_->acceptor.reset();
  impl_->reactor->shutdown();
  impl_->reactor.reset();  // waits for its threads
  for (const auto& worker : impl_->workers) worker->close();
}

}  // namespace mx2::http
