#include "lcm/mepm/options.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <filesystem>

#include "api/base/fd.h"
#include "api/base/units.h"
#include "api/config/reader.h"

namespace mx2::mepm {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kUidMax = 4'000'000'000;

// A size in units of so many bytes.
void read_size(config::Reader& reader, const std::string& key, std::uint64_t& bytes,
               std::uint64_t unit, std::int64_t most) {
  auto count = bytes / unit;
  reader.integer(key, count, 1, most);
  bytes = count * unit;
}

void read_host(config::Reader& reader, MepmOptions& options) {
  auto& host = options.host;
  reader.text("host.id", host.id);
  if (host.id.empty() || host.id.size() > 128 || host.id.find_first_of(" /") != std::string::npos) {
    reader.fail("host.id", "must have 1 to 128 characters, and neither spaces nor slashes");
  }
  reader.text("host.name", host.name);
  reader.text("host.zone", host.zone);
  reader.text("host.address", options.host_address);
  reader.url("host.url", options.url);
  std::vector<std::string> labels;
  reader.texts("host.labels", labels);
  for (const auto& label : labels) {
    const auto at = label.find('=');
    if (at == 0 || at == std::string::npos) {
      reader.fail("host.labels", "labels are name=value");
      continue;
    }
    host.labels[label.substr(0, at)] = label.substr(at + 1);
  }
}

void read_orchestrator(config::Reader& reader, MepmOptions& options) {
  read_access(reader, options.orchestrator);
  reader.texts("orchestrator.trusted_apps", options.process.surroundings.trusted_apps);
  auto& link = options.link;
  reader.integer("orchestrator.lease_ms", link.lease_ms, 100, kDayMs);
  reader.integer("orchestrator.report_ms", link.report_ms, 10, kDayMs);
  reader.integer("orchestrator.retry_ms", link.retry_ms, 10, kDayMs);
  reader.integer("orchestrator.retry_ms_max", link.retry_ms_max, 10, kDayMs);
  if (link.report_ms >= link.lease_ms) {
    reader.fail("orchestrator.report_ms", "must be less than orchestrator.lease_ms");
  }
}

void read_packages(config::Reader& reader, PackageCacheOptions& packages) {
  read_size(reader, "packages.archive_mb_max", packages.archive_bytes_max, whole::kMib, 1 << 20);
  read_size(reader, "packages.unpacked_mb_max", packages.unpacked_bytes_max, whole::kMib, 1 << 20);
  reader.integer("packages.files_max", packages.files_max, 1, 1'000'000);
  read_size(reader, "packages.total_mb_max", packages.bytes_max, whole::kMib, 1 << 20);
  reader.integer("packages.packages_max", packages.packages_max, 1, 100'000);
  reader.integer("packages.fetches", packages.fetches, 1, 64);
}

void read_limits(config::Reader& reader, MepmOptions& options) {
  reader.integer("instances_max", options.lifecycle.instances_max, 1, 100'000);
  reader.integer("operations_max", options.lifecycle.operations_max, 1, 1'000'000);
  reader.integer("grace_ms_max", options.lifecycle.grace_ms_max, 0, kDayMs);
  auto& notifications = options.notifications;
  reader.integer("notifications.subscriptions_max", notifications.subscriptions_max, 1, 100'000);
  reader.integer("notifications.queue_max", notifications.queue_max, 1, 1'000'000);
  reader.integer("notifications.attempts_max", notifications.attempts_max, 1, 20);
  reader.integer("notifications.retry_ms", notifications.retry_ms, 1, 60'000);
}

// Only where one may be bound here is it an address of this host's.
bool is_own_address(const std::string& text) {
  struct sockaddr_in v4 {};
  struct sockaddr_in6 v6 {};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  const bool is_v4 = ::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1;
  if (!is_v4 && ::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) != 1) return false;
  const Fd socket(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto* address = is_v4 ? reinterpret_cast<const struct sockaddr*>(&v4)
                              : reinterpret_cast<const struct sockaddr*>(&v6);
  const auto size = static_cast<socklen_t>(is_v4 ? sizeof(v4) : sizeof(v6));
  return ::bind(socket.get(), address, size) == 0;
}

// A name, or an address that is translated on the way, does not say where packets arrive.
std::string where_to_listen(const std::string& configured, const std::string& host_address) {
  if (!configured.empty()) return configured;
  return is_own_address(host_address) ? host_address : "0.0.0.0";
}

void read_process(config::Reader& reader, process::ProcessOptions& process) {
  process.listen_address.clear();
  reader.text("process.listen_address", process.listen_address);
  auto& place = process.place;
  reader.integer("process.port_first", place.port_first, 1024, kPortMax);
  reader.integer("process.ports", place.ports, 1, kPortMax);
  if (place.port_first + place.ports - 1 > kPortMax) {
    reader.fail("process.ports", "the last port would be beyond 65535");
  }
  reader.integer("process.uid_first", place.uid_first, 0, kUidMax);
  reader.integer("process.uids", place.uids, 1, 1'000'000);
  reader.boolean("process.control_groups", place.control_groups);
  reader.integer("process.restarts_max", process.restarts_max, 0, 1'000'000);
  reader.integer("process.restart_backoff_ms", process.restart_backoff_ms, 1, kDayMs);
  reader.integer("process.restart_backoff_ms_max", process.restart_backoff_ms_max, 1, kDayMs);
  reader.integer("process.well_ms", process.well_ms, 1, kDayMs);
  reader.integer("process.probe_ms", process.probe_ms, 1, 60'000);
  reader.integer("process.probe_ms_max", process.probe_ms_max, 1, 60'000);
  reader.integer("process.watch_ms", process.watch_ms, 10, kDayMs);
  reader.integer("process.stats_ms", process.stats_ms, 10, kDayMs);
  read_size(reader, "process.log_kb_max", process.log_bytes_max, whole::kKib, 1 << 30);
  reader.integer("process.address_space_extra_mb", process.address_space_extra_mb, 0, 1 << 20);
  reader.integer("process.files_max", process.files_max, 16, 1 << 20);
  reader.integer("process.nice", process.nice, 0, 19);
}

// Who asks for an absolute path: instances, whose working directory is another.
std::string absolute(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

void tell_instances(const MepmOptions& options, process::Surroundings& around) {
  const auto& access = options.orchestrator;
  around.host_id = options.host.id;
  around.orchestrator_url = access.url;
  around.orchestrator_token = access.token;
  if (!access.ca_file.empty()) around.orchestrator_ca_file = absolute(access.ca_file);
}

// What follows from what was read.
void derive(MepmOptions& options) {
  options.state_dir = absolute(options.state_dir);
  options.packages.directory = options.state_dir + "/packages";
  options.process.place.directory = options.state_dir + "/instances";
  options.process.address = options.host_address;
  options.process.listen_address =
      where_to_listen(options.process.listen_address, options.host_address);
  tell_instances(options, options.process.surroundings);
}

}  // namespace

Result<config::Loaded<MepmOptions>> read_mepm_options(const config::Document& document) {
  MepmOptions options;
  config::Reader reader(document);
  program::read_listener(reader, "server", options.server);
  reader.integer("server.threads", options.server.threads, 1, 256);
  reader.token_file("server.token_file", options.token);
  program::read_monitoring(reader, options.monitoring);
  read_host(reader, options);
  reader.text("state_dir", options.state_dir);
  reader.boolean("end_on_stop", options.end_on_stop);
  read_orchestrator(reader, options);
  read_packages(reader, options.packages);
  read_limits(reader, options);
  read_process(reader, options.process);
  reader.log(options.log.level, options.log.format);
  auto read = reader.finish(std::move(options));
  if (read) derive(read->options);
  return read;
}

}  // namespace mx2::mepm
