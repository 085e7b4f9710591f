#include "dispatcher/options.h"

#include <algorithm>

#include "api/base/file.h"
#include "api/base/text.h"
#include "api/base/units.h"
#include "api/config/reader.h"

namespace mx2::dispatcher {
namespace {

constexpr int kHourMs = 3'600'000;

// What the MEPM says of the place it has given us.
Result<void> take_environment(const Environment& environment, DispatcherOptions& options) {
  if (!environment || environment("MX2_APP_INSTANCE_ID").empty()) return {};
  options.server.port = 0;
  options.haproxy.directory = std::string(".");
  options.place.host_id = environment("MX2_HOST_ID");
  const auto port = parse_uint(environment("MX2_PORT"));
  if (!port || *port == 0 || *port > kPortMax) return invalid_argument("MX2_PORT is no port");
  options.listen_port = static_cast<std::uint16_t>(*port);
  if (const auto address = environment("MX2_ADDRESS"); !address.empty()) {
    options.listen_address = address;
  }
  auto& access = options.orchestrator;
  access.url = environment("MX2_ORCHESTRATOR_URL");
  access.ca_file = environment("MX2_ORCHESTRATOR_CA_FILE");
  const auto token_file = environment("MX2_ORCHESTRATOR_TOKEN_FILE");
  if (token_file.empty()) return {};
  const auto content = read_file(token_file);
  if (!content) return invalid_argument("cannot read " + token_file);
  access.token = first_line(*content);
  return {};
}

void read_place(config::Reader& reader, PlaceOptions& place) {
  reader.text("host.id", place.host_id);
  reader.text("host.zone", place.zone);
  reader.text("host.cloud_label", place.cloud_label);
  std::vector<std::string> latencies;
  reader.texts("host.latency_ms", latencies);
  for (const auto& entry : latencies) {
    const auto at = entry.rfind('=');
    const auto ms = at == std::string::npos ? std::nullopt : parse_uint(entry.substr(at + 1));
    if (!ms || *ms > kHourMs || at == 0) {
      reader.fail("host.latency_ms", "\"" + entry + "\" is not host=milliseconds");
      continue;
    }
    place.latency_ms[entry.substr(0, at)] = static_cast<int>(*ms);
  }
}

void read_selection(config::Reader& reader, SelectionOptions& selection) {
  reader.choice("selection.policy", selection.policy,
                {"least-impedance", "random-proportional", "deficit-round-robin", "predicted",
                 "two-choices"});
  reader.integer("selection.smoothing_percent", selection.smoothing_percent, 0, 99);
  reader.integer("selection.stale_ms", selection.stale_ms, 100, kHourMs);
  reader.integer("selection.spill_percent", selection.spill_percent, 100, 100000);
  reader.integer("selection.spill_ms", selection.spill_ms, 0, kHourMs);
  reader.integer("selection.period_ms", selection.period_ms, 10, 10000);
}

void read_retry(config::Reader& reader, RetryOptions& retry) {
  const std::vector<std::string> known = {
      "conn-failure", "empty-response", "junk-response", "response-timeout", "502", "503", "504"};
  reader.integer("retry.attempts", retry.attempts, 0, 20);
  reader.texts("retry.on", retry.on);
  for (const auto& word : retry.on) {
    if (std::find(known.begin(), known.end(), word) == known.end()) {
      reader.fail("retry.on", "\"" + word + "\" is not one of " + mx2::join(known, ", "));
    }
  }
}

void read_limits(config::Reader& reader, DispatcherOptions& options) {
  auto& limits = options.limits;
  reader.integer("limits.body_bytes_max", limits.body_bytes_max, 1, std::int64_t{1} << 40);
  reader.integer("limits.buffer_bytes", limits.buffer_bytes, 16384, 16 << 20);
  reader.integer("limits.connections_max", limits.connections_max, 1, 1'000'000);
  reader.integer("limits.in_flight_max", limits.in_flight_max, 0, 1'000'000);
  reader.integer("limits.hops_max", limits.hops_max, 1, 1000);
  auto& timeouts = options.timeouts;
  reader.integer("timeouts.connect_ms", timeouts.connect_ms, 1, kHourMs);
  reader.integer("timeouts.queue_ms", timeouts.queue_ms, 1, kHourMs);
  reader.integer("timeouts.request_ms", timeouts.request_ms, 1, kHourMs);
  reader.integer("timeouts.idle_ms", timeouts.idle_ms, 1, 24 * kHourMs);
  reader.integer("timeouts.response_ms", timeouts.response_ms, 1, 24 * kHourMs);
}

void read_health(config::Reader& reader, HealthOptions& health) {
  reader.integer("health.interval_ms", health.interval_ms, 10, kHourMs);
  reader.integer("health.down_interval_ms", health.down_interval_ms, 10, kHourMs);
  reader.integer("health.failures", health.failures, 1, 1000);
  reader.integer("health.checks_per_second", health.checks_per_second, 1, 1'000'000);
}

// It becomes part of configurations and commands.
void check_path(config::Reader& reader, const std::string& key, const std::string& path) {
  const auto bad = path.find_first_of(" \t\r\n\"'#\\$;,()%");
  if (bad != std::string::npos) {
    reader.fail(key, "HAProxy cannot take a name with '" + path.substr(bad, 1) + "'");
  }
}

void read_haproxy(config::Reader& reader, HaproxyOptions& haproxy) {
  reader.text("haproxy.program", haproxy.program);
  reader.text("haproxy.directory", haproxy.directory);
  reader.integer("haproxy.threads", haproxy.threads, 0, 64);
  reader.integer("haproxy.reload_interval_ms", haproxy.reload_interval_ms, 0, kHourMs);
  reader.integer("haproxy.drain_ms", haproxy.drain_ms, 1000, 24 * kHourMs);
  if (haproxy.directory.size() > 80) reader.fail("haproxy.directory", "longer than 80 bytes");
  check_path(reader, "haproxy.directory", haproxy.directory);
}

}  // namespace

Result<config::Loaded<DispatcherOptions>> read_dispatcher_options(const config::Document& document,
                                                                  const Environment& environment) {
  DispatcherOptions options;
  if (auto taken = take_environment(environment, options); !taken) return taken.error();
  config::Reader reader(document);
  read_access(reader, options.orchestrator);
  if (options.orchestrator.url.empty()) {
    reader.fail("orchestrator.url",
                "not given; a MEPM tells it to the apps that its orchestrator.trusted_apps names");
  }
  reader.text("dispatcher.address", options.listen_address);
  reader.integer("dispatcher.port", options.listen_port, 0, 65535);
  reader.text("dispatcher.app_d_id", options.app_d_id);
  reader.texts("dispatcher.apps", options.apps);
  program::read_listener(reader, "server", options.server);
  reader.token_file("server.token_file", options.token);
  program::read_monitoring(reader, options.monitoring);
  read_place(reader, options.place);
  read_selection(reader, options.selection);
  read_retry(reader, options.retry);
  read_limits(reader, options);
  read_health(reader, options.health);
  read_haproxy(reader, options.haproxy);
  reader.ca_file("tls.ca_file", options.ca_file);
  check_path(reader, "tls.ca_file", options.ca_file);
  reader.log(options.log.level, options.log.format);
  return reader.finish(std::move(options));
}

}  // namespace mx2::dispatcher
