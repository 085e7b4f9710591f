#include "notifier/notifier.h"

#include <sys/resource.h>
#include <unistd.h>

#include <random>
#include <utility>

namespace mx2::notifier {
namespace {

constexpr int kNiceness = 19;

http::AsyncClientOptions client_options(const NotifierOptions& options,
                                        const Live<AddressGuard>& guard) {
  http::AsyncClientOptions client;
  client.connect_timeout_ms = options.connect_timeout_ms;
  client.timeout_ms = options.timeout_ms;
  client.connections_max = 2 * options.relay.in_flight_max;
  client.ca_file = options.ca_file;
  client.may_connect = [&guard](const IpAddress& address) { return guard.get()->allows(address); };
  return client;
}

// Behind the threads that answer requests, when there is not enough for both.
void give_way() {
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceness));
}

}  // namespace

Result<std::unique_ptr<Notifier>> Notifier::make(Outbox& outbox, const SystemClock& date,
                                                 const SteadyClock& clock,
                                                 metrics::Registry& registry,
                                                 const NotifierOptions& options) {
  auto guard = AddressGuard::make(options.allow);
  if (!guard) return guard.error();
  return std::unique_ptr<Notifier>(
      new Notifier(outbox, date, clock, registry, options, std::move(*guard)));
}

Notifier::Notifier(Outbox& outbox, const SystemClock& date, const SteadyClock& clock,
                   metrics::Registry& registry, const NotifierOptions& options, AddressGuard guard)
    : guard_(std::move(guard)),
      client_(client_options(options, guard_)),
      relay_(outbox, client_, date, clock, registry, options.relay, std::random_device{}()) {}

Result<void> Notifier::allow(const std::vector<std::string>& prefixes) {
  auto guard = AddressGuard::make(prefixes);
  if (!guard) return guard.error();
  guard_.set(std::move(*guard));
  return {};
}

void Notifier::start() {
  worker_.repeat(
      [this, begun = false]() mutable {
        if (!std::exchange(begun, true)) give_way();
        relay_.turn();
      },
      [this] { relay_.wake(); });
}

void Notifier::stop(int grace_ms) {
  if (!worker_.is_running()) return;
  worker_.stop();
  relay_.finish(grace_ms);
}

}  // namespace mx2::notifier
