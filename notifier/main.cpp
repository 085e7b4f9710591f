// mx2-notifier: the notifier alone, beside an orchestrator with notifier.enabled: false, on the
// same store file. Whichever holds the lease sends; the other waits for it.
#include "api/base/log.h"
#include "api/http/monitoring.h"
#include "api/http/pistache_server.h"
#include "api/json/json.h"
#include "api/program/program.h"
#include "notifier/notifier.h"
#include "orchestrator/options.h"
#include "orchestrator/store/store_outbox.h"

namespace mx2 {
namespace {

constexpr int kGraceMs = 5000;

std::string health(const notifier::RelayStatus& status) {
  return json::dump({{"status", "ok"},
                     {"pending", status.pending},
                     {"inFlight", status.in_flight},
                     {"failingDestinations", status.failing_destinations}});
}

Result<void> run(const config::Loaded<NotifierProgramOptions>& read) {
  const auto& options = read.options;
  const SystemClock date;
  const SteadyClock clock;
  metrics::Registry registry;
  auto store = SqliteStore::open(options.store, registry);
  if (!store) return store.error();
  StoreOutbox outbox(**store, options.store.path + ".notifier");
  auto notifier = notifier::Notifier::make(outbox, date, clock, registry, options.notifier);
  if (!notifier) return notifier.error();
  http::Router router(registry, "notifier");
  http::add_monitoring(router, registry, options.monitoring, {},
                       [&] { return health((*notifier)->status()); });
  http::PistacheServer server(options.server);
  if (auto listening = program::listen(server, router); !listening) return listening;
  (*notifier)->start();
  log::info("listening", {{"http", options.server.address + ":" + std::to_string(server.port())},
                          {"store", options.store.path},
                          {"version", MX2_VERSION}});
  program::wait_for_stop();
  server.stop(kGraceMs);
  (*notifier)->stop(kGraceMs);
  (*store)->close();
  return {};
}

}  // namespace
}  // namespace mx2

int main(int argc, char** argv) {
  return mx2::program::run(
      argc, argv, {"mx2-notifier", "Sends the notifications that an orchestrator's store holds"},
      mx2::read_notifier_program_options, mx2::run);
}
