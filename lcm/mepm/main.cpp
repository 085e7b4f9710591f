// mx2-mepm: the MEC platform manager of one host. Starts and stops app instances there, as the
// orchestrator says (MEC 010-2), and serves them Mp1 (MEC 011).
#include <sys/utsname.h>

#include "api/base/clock.h"
#include "api/base/ip.h"
#include "api/base/log.h"
#include "api/http/pistache_server.h"
#include "api/program/program.h"
#include "lcm/mepm/mepm.h"

namespace mx2::mepm {
namespace {

constexpr int kGraceMs = 1000;

// Constraints of packages look at it.
void add_architecture(HostRegistration& host) {
  struct utsname name {};
  if (::uname(&name) == 0) host.labels.emplace("arch", name.machine);
}

http::AsyncClientOptions client_options(const MepmOptions& options) {
  http::AsyncClientOptions client;
  client.ca_file = options.orchestrator.ca_file;
  return client;
}

std::string url_of(const std::string& host, std::uint16_t port) {
  return "http://" + authority(host, port);
}

Result<void> run(const config::Loaded<MepmOptions>& read) {
  auto options = read.options;
  add_architecture(options.host);
  if (auto made = make_directory(options.state_dir, kPassable); !made) return made;
  const auto lock = lock_directory(options.state_dir);
  if (!lock) return lock.error();
  const SystemClock clock;
  const SteadyClock steady;
  RandomIds ids(clock);
  metrics::Registry registry;
  http::CurlMulti http(client_options(options));
  process::ProcessBackend backend(options.process, http, steady, [&http] { http.wake(); });
  OrchestratorPackages packages(options.orchestrator);
  http::PistacheServer server(options.server);  // outlives those who still owe replies
  Mepm mepm(options, {backend, http, packages, clock, steady, ids, registry});
  mepm.recover();  // who asks must not see less than there is
  const auto reached_at = [&](std::uint16_t port) {
    mepm.set_root(options.url.empty() ? url_of(options.host_address, port) : options.url);
    const auto from_here = address_from_here(options.server.address);
    backend.set_mp1_uri(url_of(from_here, port) + codec::kAppSupportPath);
  };
  if (options.server.port != 0) reached_at(options.server.port);
  if (auto listening = program::listen(server, mepm.handler()); !listening) return listening;
  if (options.server.port == 0) reached_at(server.port());
  log::info("listening", {{"http", options.server.address + ":" + std::to_string(server.port())},
                          {"host", options.host.id},
                          {"instances", options.process.listen_address},
                          {"orchestrator", options.orchestrator.url},
                          {"version", MX2_VERSION}});
  mepm.start();
  program::wait_for_stop();
  mepm.stop();
  server.stop(kGraceMs);
  if (options.end_on_stop) mepm.end_instances();
  return {};
}

}  // namespace
}  // namespace mx2::mepm

int main(int argc, char** argv) {
  return mx2::program::run(
      argc, argv, {"mx2-mepm", "Runs app instances on a MEC host, as the orchestrator says"},
      mx2::mepm::read_mepm_options, mx2::mepm::run);
}
