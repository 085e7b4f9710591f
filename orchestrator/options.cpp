#include "orchestrator/options.h"

#include <algorithm>
#include <cstdlib>

#include "api/base/text.h"
#include "api/config/reader.h"
#include "api/mx2/codec.h"

namespace mx2 {
namespace {

constexpr std::int64_t kMebibyte = 1024 * 1024;
constexpr std::int64_t kLeewaySecondsMax = 60;

void read_server(config::Reader& reader, const std::string& section, http::ServerOptions& server) {
  program::read_listener(reader, section, server);
  reader.integer(section + ".threads", server.threads, 1, 256);
  reader.integer(section + ".head_bytes_max", server.head_bytes_max, 1024, kMebibyte);
  reader.integer(section + ".body_bytes_max", server.body_bytes_max, 1024, 1024 * kMebibyte);
  reader.integer(section + ".connections_max", server.connections_max, 1, 1000000);
  reader.integer(section + ".idle_timeout_ms", server.idle_timeout_ms, 1000, 3600000);
}

// One or two segments, as MEC Sandbox has them: {sandbox}[/{mep}].
bool is_prefix(const std::string& prefix) {
  const auto segments = split(prefix, '/');
  const auto fine = [](std::string_view segment) {
    return !segment.empty() && segment != "." && segment != ".." &&
           percent_encode(segment) == segment;
  };
  return segments.size() <= 2 && std::all_of(segments.begin(), segments.end(), fine);
}

void read_prefixes(config::Reader& reader, Mx2EndpointOptions& endpoints) {
  auto& prefixes = endpoints.path_prefixes;
  reader.texts("mx2.path_prefixes", prefixes);
  if (prefixes.size() > kPathPrefixesMax) {
    reader.fail("mx2.path_prefixes", "has more than " + std::to_string(kPathPrefixesMax));
  }
  for (const auto& prefix : prefixes) {
    if (is_prefix(prefix)) continue;
    reader.fail("mx2.path_prefixes",
                "'" + prefix + "' must be one or two segments, e.g. sandbox1/mep1");
  }
}

void read_mx2(config::Reader& reader, OrchestratorOptions& options) {
  auto& endpoints = options.mx2_endpoints;
  reader.text("mx2.path_prefix", endpoints.path_prefix);
  const auto& prefix = endpoints.path_prefix;
  if (!prefix.empty() && (prefix.front() != '/' || prefix.back() == '/')) {
    reader.fail("mx2.path_prefix", "must start with a slash and not end with one");
  }
  read_prefixes(reader, endpoints);
  reader.text("mx2.public_url", endpoints.public_url);
  reader.texts("mx2.trusted_proxies", options.auth.trusted_proxies);
  reader.choice("mx2.forwarded_header", options.auth.forwarded_header,
                {"any", "forwarded", "x-forwarded-for"});
}

void read_auth(config::Reader& reader, AuthOptions& auth) {
  reader.choice("auth.mode", auth.mode, {"none", "bearer"});
  reader.secret_file("auth.tokens_file", auth.tokens);
  reader.secret_file("auth.jwt_key_file", auth.jwt_key);
  reader.text("auth.jwt_algorithm", auth.jwt_algorithm);
  reader.text("auth.jwt_issuer", auth.jwt_issuer);
  reader.text("auth.jwt_audience", auth.jwt_audience);
  reader.integer("auth.jwt_leeway_s", auth.jwt_leeway_s, 0, kLeewaySecondsMax);
}

void read_store(config::Reader& reader, SqliteOptions& store) {
  reader.text("store.path", store.path);
  reader.integer("store.queue_max", store.queue_max, 1, 1000000);
  reader.integer("store.batch_max", store.batch_max, 1, 100000);
  reader.integer("store.history_versions_max", store.history.versions_max, 1, 1000000);
  reader.integer("store.history_rows_max", store.history.rows_max, 1, 1000000000);
  reader.integer("store.checkpoint_pages", store.checkpoint_pages, 100, 1000000);
  std::int64_t size_mib_max = 0;
  reader.integer("store.size_mib_max", size_mib_max, 0, kMebibyte);
  store.size_bytes_max = static_cast<std::size_t>(size_mib_max * kMebibyte);
}

void read_strategy(config::Reader& reader, StrategyOptions& strategy) {
  reader.choice("strategy.standard", strategy.standard, kStrategies);
  reader.text("strategy.dispatcher", strategy.dispatcher);
  reader.integer("strategy.endpoints_max", strategy.endpoints_max, 1, codec::kInstancesMax);
}

void read_notifier(config::Reader& reader, notifier::NotifierOptions& options) {
  auto& relay = options.relay;
  auto& retry = relay.retry;
  reader.texts("notifier.allow", options.allow);
  for (const auto& text : options.allow) {
    if (!IpPrefix::parse(text)) reader.fail("notifier.allow", "'" + text + "' is no prefix");
  }
  reader.ca_file("notifier.ca_file", options.ca_file);
  reader.integer("notifier.connect_timeout_ms", options.connect_timeout_ms, 10, 60000);
  reader.integer("notifier.timeout_ms", options.timeout_ms, 10, 60000);
  reader.integer("notifier.in_flight_max", relay.in_flight_max, 1, 100000);
  reader.integer("notifier.in_flight_per_destination_first", relay.pace.first, 1, 10000);
  reader.integer("notifier.in_flight_per_destination_max", relay.pace.max, 1, 10000);
  reader.integer("notifier.prompt_ms", relay.pace.prompt_ms, 1, 60000);
  reader.integer("notifier.window_max", relay.window_max, 1, 100000000);
  reader.integer("notifier.failing_after", relay.failing_after, 1, 1000);
  reader.integer("notifier.retry_first_ms", retry.first_delay_ms, 10, 3600000);
  reader.integer("notifier.retry_max_ms", retry.delay_max_ms, 10, 86400000);
  reader.integer("notifier.give_up_after_ms", retry.give_up_after_ms, 1000, 2592000000);
  reader.integer("notifier.young_context_ms", retry.young_context_ms, 0, 3600000);
}

void read_hosts(config::Reader& reader, HostWatchOptions& hosts) {
  reader.integer("hosts.probe_period_ms", hosts.probe_period_ms, 100, 3600000);
  reader.integer("hosts.probe_timeout_ms", hosts.probe_timeout_ms, 10, 60000);
  reader.integer("hosts.probe_failures_max", hosts.probe_failures_max, 1, 100);
}

void read_capacity(config::Reader& reader, CapacityLoopOptions& capacity) {
  auto& app = capacity.app;
  reader.integer("capacity.period_ms", capacity.period_ms, 100, 3600000);
  reader.integer("capacity.load_age_max_ms", capacity.load_age_max_ms, 100, 3600000);
  reader.integer("capacity.instances_min", app.instances_min, 0, 10000);
  reader.integer("capacity.instances_max", app.instances_max, 1, 10000);
  reader.boolean("capacity.scale_to_zero", app.scale_to_zero);
  reader.integer("capacity.warm_spare", app.warm_spare, 0, 1000);
  reader.integer("capacity.clients_per_instance", app.clients_per_instance, 0, 1000000);
  auto in_flight = static_cast<std::int64_t>(app.in_flight_per_instance);
  reader.integer("capacity.in_flight_per_instance", in_flight, 1, 100000);
  app.in_flight_per_instance = static_cast<double>(in_flight);
  reader.integer("capacity.up_percent", app.up_percent, 1, 1000);
  reader.integer("capacity.down_percent", app.down_percent, 0, 1000);
  if (app.down_percent >= app.up_percent) {
    reader.fail("capacity.down_percent", "must be below capacity.up_percent");
  }
  reader.integer("capacity.latency_up_percent", app.latency_up_percent, 1, 10000);
  reader.integer("capacity.latency_down_percent", app.latency_down_percent, 1, 10000);
  reader.integer("capacity.cool_down_up_ms", app.cool_down_up_ms, 0, 86400000);
  reader.integer("capacity.cool_down_down_ms", app.cool_down_down_ms, 0, 86400000);
  reader.integer("capacity.average_half_life_ms", app.average_half_life_ms, 1, 86400000);
  reader.integer("capacity.peak_half_life_ms", app.peak_half_life_ms, 1, 86400000);
  reader.integer("capacity.idle_ms", app.idle_ms, 0, 86400000);
  reader.integer("capacity.idle_unknown_ms", app.idle_unknown_ms, 0, 86400000);
}

void read_lifecycle(config::Reader& reader, LifecycleOptions& options) {
  auto& reconcile = options.reconcile;
  reader.integer("lifecycle.ready_wait_ms", options.ready_wait_ms, 0, 600000);
  reader.integer("lifecycle.abandon_ms", options.abandon_ms, 0, 86400000);
  reader.integer("lifecycle.waiting_max", options.waiting_max, 1, 1000000);
  reader.integer("lifecycle.look_ms", reconcile.look_ms, 100, 600000);
  reader.integer("lifecycle.look_busy_ms", reconcile.look_busy_ms, 10, 60000);
  reader.integer("lifecycle.starts_max", reconcile.starts_max, 1, 10000);
  reader.integer("lifecycle.start_slow_ms", reconcile.start_slow_ms, 1, 3600000);
  reader.integer("lifecycle.operation_ms", reconcile.operation_ms, 100, 86400000);
  reader.integer("lifecycle.fetch_ms", reconcile.fetch_ms, 100, 86400000);
  reader.integer("lifecycle.retire_ms", reconcile.retire_ms, 0, 600000);
  reader.integer("lifecycle.terminate_grace_s", reconcile.terminate_grace_s, 1, 3600);
  reader.integer("lifecycle.lost_ms", reconcile.lost_ms, 0, 600000);
  reader.integer("lifecycle.retry_first_ms", reconcile.retry_first_ms, 10, 3600000);
  reader.integer("lifecycle.retry_max_ms", reconcile.retry_max_ms, 10, 86400000);
}

void read_packages(config::Reader& reader, PackageOptions& packages) {
  reader.text("packages.directory", packages.directory);
  reader.integer("packages.bytes_max", packages.bytes_max, 1024, 4096 * kMebibyte);
  reader.integer("packages.count_max", packages.count_max, 1, 100000);
  reader.integer("packages.parallel_max", packages.parallel_max, 1, 64);
  reader.integer("packages.fetch_timeout_ms", packages.fetch_timeout_ms, 100, 86400000);
  reader.integer("packages.fetch_idle_ms", packages.fetch_idle_ms, 10, 3600000);
  reader.ca_file("packages.ca_file", packages.ca_file);
  reader.texts("packages.device_sources", packages.device_sources);
  for (const auto& prefix : packages.device_sources) {
    if (auto ok = check_source_prefix(prefix); !ok) {
      reader.fail("packages.device_sources", ok.error().detail);
    }
  }
  reader.integer("packages.subscriptions_max", packages.subscriptions_max, 1, 10000);
}

void read_url(config::Reader& reader, const std::string& key, std::string& url) {
  reader.url(key, url);
  if (!url.empty() && !has_http_scheme(url)) {
    reader.fail(key, "must begin with http:// or https://");
  }
}

// The environment alone turns nothing on: emulators set MEEP_APP_ID for whatever they run.
void read_mec_platform(config::Reader& reader, MecPlatformOptions& platform) {
  std::string url;
  reader.text("mec_platform.app_instance_id", platform.app_instance_id);
  read_url(reader, "mec_platform.url", url);
  read_url(reader, "mec_platform.app_support_url", platform.app_support_url);
  read_url(reader, "mec_platform.service_mgmt_url", platform.service_mgmt_url);
  read_url(reader, "mec_platform.service_uri", platform.service_uri);
  read_url(reader, "mec_platform.callback_url", platform.callback_url);
  if (platform.app_support_url.empty()) platform.app_support_url = url;
  if (platform.service_mgmt_url.empty()) platform.service_mgmt_url = url;
  const bool somewhere = !platform.app_support_url.empty() || !platform.service_mgmt_url.empty();
  const char* given = std::getenv("MEEP_APP_ID");
  if (!platform.is_on() && somewhere && given != nullptr) platform.app_instance_id = given;
  if (!platform.is_on()) return;
  if (platform.app_support_url.empty() || platform.service_mgmt_url.empty()) {
    reader.fail("mec_platform.url",
                "is needed to register app instance '" + platform.app_instance_id + "'");
  }
  if (platform.service_uri.empty()) {
    reader.fail("mec_platform.service_uri", "is needed: it is what is registered");
  }
}

void read_events(config::Reader& reader, EventOptions& events) {
  reader.integer("events.listeners_max", events.listeners_max, 1, 1000000);
  reader.integer("events.listeners_per_context_max", events.listeners_per_context_max, 1, 1000);
  reader.integer("events.keep_alive_ms", events.keep_alive_ms, 1000, 600000);
}

}  // namespace

Result<config::Loaded<OrchestratorOptions>> read_options(const config::Document& document) {
  OrchestratorOptions options;
  options.mx2_server.address = "0.0.0.0";
  options.mx2_server.port = 8080;
  options.operator_server.port = 8081;
  options.operator_server.threads = 2;
  options.operator_server.body_bytes_max = 64 * kMebibyte;
  options.operator_server.connections_max = 100;
  options.store.path = "data/mx2.sqlite";

  config::Reader reader(document);
  read_server(reader, "mx2", options.mx2_server);
  read_mx2(reader, options);
  read_server(reader, "operator", options.operator_server);
  reader.token_file("operator.token_file", options.operator_endpoints.token);
  program::read_monitoring(reader, options.operator_endpoints.monitoring);
  read_auth(reader, options.auth);
  read_store(reader, options.store);
  read_strategy(reader, options.strategy);
  reader.boolean("notifier.enabled", options.notifier_here);
  read_notifier(reader, options.notifier);
  read_events(reader, options.events);
  read_hosts(reader, options.hosts);
  reader.token_file("lifecycle.token_file", options.mepm_token);
  read_lifecycle(reader, options.lifecycle);
  read_capacity(reader, options.lifecycle.capacity);
  read_packages(reader, options.packages);
  read_mec_platform(reader, options.mec_platform);
  reader.integer("limits.contexts_max", options.contexts_max, 1, 1000000000);
  reader.integer("limits.contexts_per_device_max", options.contexts_per_device_max, 1, 1000000000);
  reader.integer("limits.requests_per_second_max", options.auth.requests_per_second_max, 0,
                 1000000);
  reader.integer("limits.patch_rows_max", options.operator_endpoints.patch_rows_max, 1, 1000000);
  reader.integer("limits.plan_rows_max", options.operator_endpoints.plan_rows_max, 1, 10000000);
  reader.integer("limits.changes_max", options.changes.changes_max, 1000, 100000000);
  reader.integer("limits.changes_bytes_max", options.changes.bytes_max, kMebibyte,
                 1024 * 1024 * kMebibyte);
  reader.integer("limits.page_max", options.operator_endpoints.page_max, 1, 100000);
  reader.file("content", options.content);
  reader.log(options.log.level, options.log.format);
  reader.integer("shutdown_grace_ms", options.shutdown_grace_ms, 0, 600000);
  static const SystemClock kClock;
  static const SteadyClock kSteady;
  if (auto auth = Authenticator::make(options.auth, kClock, kSteady); !auth) {
    reader.fail("auth", auth.error().detail);
  }
  return reader.finish(std::move(options));
}

Result<config::Loaded<NotifierProgramOptions>> read_notifier_program_options(
    const config::Document& document) {
  NotifierProgramOptions options;
  options.server.port = 8083;
  options.server.threads = 1;
  options.server.connections_max = 100;
  options.store.path = "data/mx2.sqlite";
  options.store.beside_orchestrator = true;
  options.notifier.relay.look_every_ms = 50;

  config::Reader reader(document);
  read_server(reader, "server", options.server);
  program::read_monitoring(reader, options.monitoring);
  reader.text("store.path", options.store.path);
  read_notifier(reader, options.notifier);
  reader.integer("notifier.look_every_ms", options.notifier.relay.look_every_ms, 1, 60000);
  reader.log(options.log.level, options.log.format);
  return reader.finish(std::move(options));
}

}  // namespace mx2
