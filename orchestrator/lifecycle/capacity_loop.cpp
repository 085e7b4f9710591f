#include "orchestrator/lifecycle/capacity_loop.h"

#include <algorithm>

namespace mx2 {
namespace {

template <typename Map>
std::int64_t count_in(const Map& map, const typename Map::key_type& key) {
  const auto it = map.find(key);
  return it == map.end() ? 0 : static_cast<std::int64_t>(it->second);
}

capacity::Options of_dispatcher(capacity::Options options) {
  constexpr double kCallsAtOnce = 1e6;
  options.instances_min = 0;
  options.warm_spare = 0;
  options.clients_per_instance = 0;
  options.in_flight_per_instance = kCallsAtOnce;
  return options;
}

}  // namespace

CapacityLoop::CapacityLoop(const CapacityLoopOptions& options) : options_(options) {
  policy_.defaults = options.app;
  if (!options.dispatcher.empty()) policy_.of_app[options.dispatcher] = of_dispatcher(options.app);
}

void CapacityLoop::want(const Cell& cell, std::int64_t now_ms) {
  const auto& [app, host] = cell;
  auto& state = states_[host][app];
  state.unused_since_ms.reset();
  if (state.desired > 0) return;
  state.desired = 1;
  state.changed_ms = now_ms;
  wanted_[host][app] = {app, host, 1, "asked for"};
}

// All that may have instances or need some; every pair if each host is to have a minimum.
std::set<CapacityLoop::Cell> CapacityLoop::cells(const CapacityInputs& inputs) const {
  std::set<Cell> cells;
  for (const auto& [cell, clients] : inputs.clients) {
    if (clients > 0) cells.insert(cell);
  }
  for (const auto& [host, apps] : wanted_) {
    for (const auto& [app, wanted] : apps) {
      if (wanted.instances > 0) cells.emplace(app, host);
    }
  }
  for (const auto& [host, there] : inputs.hosts) {
    for (const auto& [app, count] : there.living) cells.emplace(app, host);
    if (policy_.defaults.instances_min == 0) continue;
    for (const auto& [app, required] : inputs.apps) cells.emplace(app, host);
  }
  std::erase_if(cells, [&](const Cell& cell) {
    return !inputs.apps.contains(cell.first) || !inputs.hosts.contains(cell.second);
  });
  return cells;
}

capacity::Inputs CapacityLoop::inputs_of(const Cell& cell, const CapacityInputs& inputs,
                                         std::int64_t now_ms) const {
  const auto& [app, host] = cell;
  const auto& there = inputs.hosts.at(host);
  capacity::Inputs out;
  out.app_d_id = app;
  out.host_id = host;
  out.ready = count_in(there.ready, app);
  out.starting = std::max<std::int64_t>(0, count_in(there.living, app) - out.ready);
  out.clients = count_in(inputs.clients, cell);
  out.required_ms = inputs.apps.at(app);
  out.accepts = there.accepts;
  if (!there.load || now_ms - there.load->received_ms > options_.load_age_max_ms) return out;
  for (const auto& load : there.load->apps) {
    if (load.app_d_id != app) continue;
    if (load.in_flight) out.in_flight = static_cast<double>(*load.in_flight);
    out.request_rate = load.request_rate;
    out.p50_ms = load.p50_ms;
    out.p95_ms = load.p95_ms;
  }
  return out;
}

void CapacityLoop::adjust(const CapacityInputs& inputs, std::int64_t now_ms) {
  std::vector<capacity::Inputs> asked;
  for (const auto& cell : cells(inputs)) asked.push_back(inputs_of(cell, inputs, now_ms));
  auto plan = capacity::desired_instances(asked, policy_, states_, now_ms);
  // A host that does not answer now is as it was.
  std::erase_if(wanted_, [&](const auto& item) { return inputs.hosts.contains(item.first); });
  for (const auto& [host, states] : states_) {
    if (!inputs.hosts.contains(host)) plan.states[host] = states;
  }
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto& [app, host] = std::tie(asked[i].app_d_id, asked[i].host_id);
    const auto& decision = plan.decisions[i];
    wanted_[host][app] = {app, host, decision.desired, std::string(to_text(decision.reason))};
  }
  states_ = std::move(plan.states);
}

std::map<std::string, int> CapacityLoop::of_host(const std::string& host_id) const {
  std::map<std::string, int> wanted;
  const auto host = wanted_.find(host_id);
  if (host == wanted_.end()) return wanted;
  for (const auto& [app, state] : host->second) wanted[app] = static_cast<int>(state.instances);
  return wanted;
}

std::vector<WantedInstances> CapacityLoop::all() const {
  std::vector<WantedInstances> all;
  for (const auto& [host, apps] : wanted_) {
    for (const auto& [app, wanted] : apps) all.push_back(wanted);
  }
  return all;
}

}  // namespace mx2
