#include "notifier/notifier.h"

#include <sys/resource.h>
#include <unistd.h>

#include <random>
#include <utility>

#include "api/base/worker.h"
#include "api/http/async_client.h"
#include "notifier/address_guard.h"

namespace mx2::notifier {
namespace {

constexpr int kNiceness = 19;

http::AsyncClientOptions client_options(const NotifierOptions& options, AddressGuard guard) {
  http::AsyncClientOptions client;
  client.connect_timeout_ms = options.connect_timeout_ms;
  client.timeout_ms = options.timeout_ms;
  client.connections_max = 2 * options.relay.in_flight_max;
  client.ca_file = options.ca_file;
  client.may_connect = [guard = std::move(guard)](const IpAddress& address) {
    return guard.allows(address);
  };
  return client;
}

// Behind the threads that answer requests, when there is not enough for both.
void give_way() {
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceness));
}

}  // namespace

struct Notifier::Impl {
  Impl(Outbox& outbox, const SystemClock& date, const SteadyClock& clock,
       metrics::Registry& registry, const NotifierOptions& options, AddressGuard guard)
      : client(client_options(options, std::move(guard))),
        relay(outbox, client, date, clock, registry, options.relay, std::random_device{}()) {}

  http::CurlMulti client;
  Relay relay;
  Worker worker;
};

Result<std::unique_ptr<Notifier>> Notifier::make(Outbox& outbox, const SystemClock& date,
                                                 const SteadyClock& clock,
                                                 metrics::Registry& registry,
                                                 const NotifierOptions& options) {
  auto guard = AddressGuard::make(options.allow);
  if (!guard) return guard.error();
  return std::unique_ptr<Notifier>(new Notifier(
      std::make_unique<Impl>(outbox, date, clock, registry, options, std::move(*guard))));
}

Notifier::Notifier(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Notifier::~Notifier() { stop(0); }

void Notifier::start() {
  impl_->worker.repeat(
      [this, begun = false]() mutable {
        if (!std::exchange(begun, true)) give_way();
        impl_->relay.turn();
      },
      [this] { impl_->relay.wake(); });
}

void Notifier::stop(int grace_ms) {
  if (!impl_->worker.is_running()) return;
  impl_->worker.stop();
  impl_->relay.finish(grace_ms);
}

void Notifier::wake() { impl_->relay.wake(); }

RelayStatus Notifier::status() const { return impl_->relay.status(); }

}  // namespace mx2::notifier
