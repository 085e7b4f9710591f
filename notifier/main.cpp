// mx2-notifier: the notifier alone, beside an orchestrator with notifier.enabled: false, on the
// same store file. Whichever holds the lease sends; the other waits for it.
#include "api/base/log.h"
#include "api/http/pistache_server.h"
#include "api/http/router.h"
#include "api/json/json.h"
#include "api/program/program.h"
#include "notifier/notifier.h"
#include "orchestrator/options.h"
#include "orchestrator/store/store_outbox.h"

namespace mx2 {
namespace {

constexpr int kGraceMs = 5000;

void add_endpoints(http::Router& router, const metrics::Registry& registry,
                   const notifier::Notifier& notifier) {
  router.add("GET", "/health",
             [&notifier](http::Request&, const http::PathValues&, http::Responder responder) {
               const auto status = notifier.status();
               responder.reply(http::json_reply(
                   200, json::dump({{"status", "ok"},
                                    {"pending", status.pending},
                                    {"inFlight", status.in_flight},
                                    {"failingDestinations", status.failing_destinations}})));
             });
  router.add("GET", "/metrics",
             [&registry](http::Request&, const http::PathValues&, http::Responder responder) {
               responder.reply({200, "text/plain; version=0.0.4", registry.text(), {}, false});
             });
}

Result<void> run(const NotifierProgramOptions& options) {
  const SystemClock date;
  const SteadyClock clock;
  metrics::Registry registry;
  auto store = SqliteStore::open(options.store, registry);
  if (!store) return store.error();
  StoreOutbox outbox(**store, options.store.path + ".notifier");
  auto notifier = notifier::Notifier::make(outbox, date, clock, registry, options.notifier);
  if (!notifier) return notifier.error();
  http::Router router(registry, "notifier");
  add_endpoints(router, registry, **notifier);
  http::PistacheServer server(options.server);
  try {
    server.start(router);
  } catch (const std::runtime_error& e) {
    return unavailable(e.what());
  }
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

Result<program::Prepared> prepare_program(const config::Document& document) {
  auto read = read_notifier_program_options(document);
  if (!read) return read.error();
  const auto& options = read->options;
  return program::Prepared{read->effective, options.log_level, options.log_format,
                           [options] { return run(options); }};
}

}  // namespace
}  // namespace mx2

int main(int argc, char** argv) {
  return mx2::program::run(
      argc, argv, {"mx2-notifier", "Sends the notifications that an orchestrator's store holds"},
      mx2::prepare_program);
}
