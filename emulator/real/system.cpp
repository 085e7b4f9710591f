#include "emulator/real/system.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "api/operator/codec.h"
#include "emulator/topology_of.h"

namespace mx2::emulator {
namespace {

constexpr int kRequestMs = 10'000;
constexpr const char* kProvider = "emulator";
constexpr const char* kDispatcher = "dispatcher-1";
constexpr const char* kOneZone = "everywhere";
constexpr const char* kLines = "application/x-ndjson";
constexpr const char* kLoopback = "http://127.0.0.1:";

Strategy strategy_of(StrategyKind kind) {
  switch (kind) {
    case StrategyKind::kNotification: return Strategy::kNotification;
    case StrategyKind::kDispatching: return Strategy::kDispatching;
    case StrategyKind::kMultiple: return Strategy::kMultiple;
    default: return Strategy::kBaseline;
  }
}

App app_of(const std::string& id, StrategyKind strategy) {
  App app;
  app.info.app_d_id = id;
  app.info.app_name = id;
  app.info.app_provider = kProvider;
  app.info.app_soft_version = "1";
  app.info.app_d_version = "1.0";
  app.info.app_description = "emulated";
  app.info.app_charcs.emplace();
  app.strategy = strategy_of(strategy);
  app.enabled = id != kDispatcher;
  return app;
}

TableChange dispatcher_row_of(UeSelector ue, const std::string& host) {
  TableChange change;
  change.row.ue = std::move(ue);
  change.row.app_d_id = kDispatcher;
  change.row.targets = {{Target::Kind::kHost, host}};
  return change;
}

bool is_well(const std::string& health) {
  const auto document = json::parse(health);
  return document && document->is_object() && document->value("status", "") == "ok";
}

// Empty: as it is shipped.
std::string policy_of(SelectionKind kind) {
  return kind == SelectionKind::kShipped ? "" : std::string("policy: ") + to_text(kind);
}

}  // namespace

Result<System> System::start(const Scenario& scenario, const Network& network, Programs programs) {
  System system(scenario, network, std::move(programs));
  if (scenario.optimizer.told_of_moves && scenario.strategy.has_optimizer()) {
    return invalid_argument(
        "optimizer.told_of_moves: only in simulated time, or with dispatching; in real time the "
        "optimizer hears of moves from AdvantEDGE alone");
  }
  std::error_code failed;
  std::filesystem::remove_all(system.programs_.work, failed);
  std::filesystem::create_directories(system.programs_.work, failed);
  if (failed) return unavailable(system.programs_.work + ": " + failed.message());
  for (const auto step :
       {&System::start_orchestrator, &System::start_hosts, &System::put_apps, &System::put_hosts,
        &System::start_dispatchers, &System::put_rows, &System::start_optimizer}) {
    if (auto done = (system.*step)(); !done) return done.error();
  }
  return system;
}

Result<Program> System::configured(const char* executable, const std::string& name,
                                   const std::string& configuration) const {
  if (auto written = write(name + ".yaml", configuration); !written) return written.error();
  return Program::start({program(executable), "--config", path(name + ".yaml")},
                        path(name + ".log"));
}

Result<void> System::find_url(Program& program, const std::string& text, std::string& url) {
  const auto address = program.wait_for(text, kStartMs);
  if (!address) return address.error();
  url = kLoopback + address->substr(address->rfind(':') + 1);
  return {};
}

Result<void> System::write(const std::string& name, const std::string& text) const {
  const auto file = path(name);
  {
    std::ofstream out(file + ".new");
    out << text;
    if (!out.flush()) return unavailable("cannot write " + file);
  }
  std::filesystem::rename(file + ".new", file);
  return {};
}

Result<void> System::start_orchestrator() {
  auto started = configured(
      "mx2-orchestrator", "orchestrator",
      fmt::format("mx2: {{address: 127.0.0.1, port: 0, trusted_proxies: [127.0.0.0/8]}}\n"
                  "operator: {{port: 0}}\nstore: {{path: \"{}\"}}\n"
                  "notifier: {{allow: [127.0.0.0/8]}}\nstrategy: {{endpoints_max: {}}}\n",
                  path("mx2.sqlite"), scenario_->strategy.endpoints));
  if (!started) return started.error();
  orchestrator_ = std::move(*started);
  if (auto mx2 = find_url(orchestrator_, " mx2=", mx2_url_); !mx2) return mx2;
  return find_url(orchestrator_, " operator=", operator_url_);
}

Result<void> System::start_hosts() {
  for (const auto& host : scenario_->hosts) {
    const auto& id = host.id;
    std::vector<std::string> command = {program("mx2-emulator"),
                                        "host",
                                        programs_.scenario,
                                        "--id",
                                        id,
                                        "--operator-url",
                                        operator_url_,
                                        "--seed",
                                        std::to_string(programs_.seed)};
    for (const auto& setting : programs_.settings) {
      command.insert(command.end(), {"--set", setting});
    }
    auto started = Program::start(std::move(command), path(id + ".log"));
    if (!started) return started.error();
    hosts_.push_back(std::move(*started));
  }
  for (std::uint32_t h = 0; h < hosts_.size(); ++h) {
    const auto port = hosts_[h].wait_for("port ", kStartMs);
    if (!port) return port.error();
    host_urls_.push_back(kLoopback + *port);
    host_of_.emplace("host:" + scenario_->hosts[h].id, h);
  }
  return {};
}

Result<void> System::put(const std::string& path, const std::string& body, const char* method) {
  http::ClientOptions options;
  options.timeout_ms = kRequestMs;
  const bool lines = std::string(method) == "PATCH";
  const auto reply =
      http::CurlClient(options).send(method, operator_url_ + "/operator/v1/" + path,
                                     {{"Content-Type", lines ? kLines : "application/json"}}, body);
  if (!reply) return reply.error();
  if (reply->status < 300) return {};
  return unavailable(fmt::format("{} {}: {} {}", method, path, reply->status, reply->body));
}

Result<void> System::put_apps() {
  const auto kind = scenario_->strategy.kind;
  std::vector<App> apps;
  for (const auto& lambda : scenario_->lambdas) apps.push_back(app_of(lambda.id, kind));
  if (kind == StrategyKind::kDispatching) {
    apps.push_back(app_of(kDispatcher, StrategyKind::kBaseline));
  }
  for (const auto& app : apps) {
    auto added = put("apps/" + app.info.app_d_id, json::dump(codec::to_json(app)));
    if (!added) return added;
  }
  return {};
}

// Dispatchers take a cell's hosts for local: a cell is a zone. The prototype's took all for alike.
Result<void> System::put_hosts() {
  for (std::uint32_t h = 0; h < scenario_->hosts.size(); ++h) {
    Host host;
    host.id = scenario_->hosts[h].id;
    const bool shipped = scenario_->strategy.selection == SelectionKind::kShipped;
    host.zone = shipped ? cell_name(scenario_->hosts[h].cell) : kOneZone;
    for (const auto l : scenario_->hosts[h].lambdas) {
      const auto uri = host_urls_[h] + "/" + scenario_->lambdas[l].id;
      host.instances.push_back({scenario_->lambdas[l].id, {}, uri, false});
      host_of_.emplace(uri, h);
    }
    if (!dispatcher_urls_.empty()) {
      host.instances.push_back({kDispatcher, {}, dispatcher_urls_[h], false});
    }
    auto document = codec::to_json(host);
    for (auto& instance : document["instances"]) instance.erase("appInstanceId");
    if (auto added = put("hosts/" + host.id, json::dump(document)); !added) return added;
  }
  return {};
}

Result<void> System::put_rows() {
  const bool dispatching = scenario_->strategy.kind == StrategyKind::kDispatching;
  return put("table", codec::encode_table_patch(dispatching ? dispatcher_rows() : rows()), "PATCH");
}

// All hosts of each λ, in their order.
std::vector<TableChange> System::rows() const {
  std::vector<TableChange> rows;
  for (std::uint32_t l = 0; l < scenario_->lambdas.size(); ++l) {
    TableChange change;
    change.row.app_d_id = scenario_->lambdas[l].id;
    change.row.targets = targets_of(*scenario_, l);
    rows.push_back(std::move(change));
  }
  return rows;
}

// Each cell's to the dispatcher nearest to it.
std::vector<TableChange> System::dispatcher_rows() const {
  std::vector<TableChange> rows;
  const auto nearest = nearest_hosts(*scenario_, *network_);
  for (std::uint32_t cell = 0; cell < nearest.size(); ++cell) {
    rows.push_back(dispatcher_row_of({UeSelector::Kind::kIp, {}, prefix_of(cell)},
                                     scenario_->hosts[nearest[cell]].id));
  }
  return rows;
}

http::OutgoingRequest System::dispatcher_row(std::uint32_t ue, std::uint32_t host) const {
  const auto row =
      dispatcher_row_of({UeSelector::Kind::kDevApp, device_of(ue), {}}, scenario_->hosts[host].id);
  return {"PATCH",
          operator_url_ + "/operator/v1/table",
          {{"Content-Type", kLines}},
          codec::encode_table_patch({row})};
}

Result<void> System::put_dispatcher_rows(const std::vector<std::uint32_t>& cell_of_ue) {
  const auto nearest = nearest_hosts(*scenario_, *network_);
  std::vector<TableChange> rows;
  for (std::uint32_t ue = 0; ue < cell_of_ue.size(); ++ue) {
    rows.push_back(dispatcher_row_of({UeSelector::Kind::kDevApp, device_of(ue), {}},
                                     scenario_->hosts[nearest[cell_of_ue[ue]]].id));
  }
  return put("table", codec::encode_table_patch(rows), "PATCH");
}

// When the catalogue and the hosts are there: each begins with all λ.
Result<void> System::start_dispatchers() {
  if (scenario_->strategy.kind != StrategyKind::kDispatching) return {};
  const auto hosts = static_cast<std::uint32_t>(scenario_->hosts.size());
  for (std::uint32_t h = 0; h < hosts; ++h) {
    if (auto started = start_dispatcher(h); !started) return started;
  }
  for (std::uint32_t h = 0; h < hosts; ++h) {
    if (auto ready = wait_for_dispatcher(h); !ready) return ready;
  }
  return put_hosts();
}

Result<void> System::start_dispatcher(std::uint32_t host) {
  const auto& id = scenario_->hosts[host].id;
  auto started = configured(
      "mx2-dispatcher", id + "-dispatcher",
      fmt::format("orchestrator: {{url: \"{}\"}}\ndispatcher: {{address: 127.0.0.1, port: 0, "
                  "app_d_id: {}}}\nserver: {{port: 0}}\nhost: {{id: \"{}\"}}\n"
                  "selection: {{{}}}\nlimits: {{body_bytes_max: 67108864}}\n"
                  "haproxy: {{threads: 1}}\n",
                  operator_url_, kDispatcher, id, policy_of(scenario_->strategy.selection)));
  if (!started) return started.error();
  dispatchers_.push_back(std::move(*started));
  return {};
}

Result<void> System::wait_for_dispatcher(std::uint32_t host) {
  auto& dispatcher = dispatchers_[host];
  std::string url;
  std::string api;
  if (auto found = find_url(dispatcher, " dispatcher=", url); !found) return found;
  if (auto found = find_url(dispatcher, " api=", api); !found) return found;
  dispatcher_urls_.push_back(url);
  for (const auto& lambda : scenario_->lambdas) host_of_.emplace(url + "/" + lambda.id, host);
  http::CurlClient client({});
  const bool serves = wait_until(dispatcher, [&] {
    const auto reply = client.send("GET", api + "/health", {}, "");
    return reply && is_well(reply->body);
  });
  if (serves) return {};
  return unavailable("the dispatcher of " + scenario_->hosts[host].id +
                     " does not serve; its log is in " + programs_.work);
}

std::uint32_t System::host_of(const std::string& name) const {
  const auto it = host_of_.find(name);
  return it == host_of_.end() ? ~0U : it->second;
}

std::string System::ended() {
  if (!orchestrator_.is_running()) return "mx2-orchestrator";
  if (scenario_->strategy.has_optimizer() && !optimizer_.is_running()) return "mx2-optimizer";
  for (std::size_t h = 0; h < hosts_.size(); ++h) {
    if (!hosts_[h].is_running()) return scenario_->hosts[h].id;
  }
  for (auto& dispatcher : dispatchers_) {
    if (!dispatcher.is_running()) return "mx2-dispatcher";
  }
  return {};
}

}  // namespace mx2::emulator
