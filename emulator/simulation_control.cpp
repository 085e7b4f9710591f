// What happens to a run besides its calls: moves, contexts, plans, notifications, reports.
#include <algorithm>

#include "emulator/simulation.h"

namespace mx2::emulator {

Simulation::Simulation(const Scenario& scenario, std::uint64_t seed)
    : Run(scenario, seed),
      dispatch_time_(from_ms(scenario.strategy.dispatch_ms)),
      control_(scenario, network_),
      ues_(scenario.ues.number),
      hosts_of_(scenario.lambdas.size()) {
  set_up_hosts();
  set_up_ues(seed);
  set_up_table();
  if (dispatches()) set_up_dispatchers();
}

void Simulation::set_up_hosts() {
  const auto lambdas = scenario_.lambdas.size();
  for (std::uint32_t h = 0; h < scenario_.hosts.size(); ++h) {
    const auto& spec = scenario_.hosts[h];
    const std::vector<int> workers(spec.lambdas.size(), spec.workers);
    auto& host = hosts_.emplace_back(HostState{Processor(spec.processor, workers),
                                               kNever,
                                               0,
                                               {},
                                               std::vector<std::uint32_t>(lambdas),
                                               std::vector<std::uint32_t>(workers.size())});
    for (std::uint32_t i = 0; i < spec.lambdas.size(); ++i) {
      host.container_of[spec.lambdas[i]] = i;
      hosts_of_[spec.lambdas[i]].push_back(h);
    }
  }
}

void Simulation::set_up_ues(std::uint64_t seed) {
  for (std::uint32_t i = 0; i < ues_.size(); ++i) {
    place(ues_[i], i, seed);
    ues_[i].size = Stream(seed, Purpose::kSize, i);
  }
}

void Simulation::set_up_table() {
  const auto open_all = [this] {
    for (std::uint32_t i = 0; i < ues_.size(); ++i) {
      look_up(i, ues_[i].endpoint);
      ues_[i].coming = ues_[i].endpoint;
      control_.open(i, ues_[i].cell, ues_[i].endpoint[0], 0);
    }
  };
  open_all();
  if (!scenario_.strategy.has_optimizer()) return;
  (void)control_.plan(0);
  open_all();
}

void Simulation::set_up_dispatchers() {
  for (std::uint32_t h = 0; h < hosts_.size(); ++h) {
    for (const auto& hosts : hosts_of_) {
      std::vector<bool> is_local;
      is_local.reserve(hosts.size());
      for (const auto host : hosts) {
        is_local.push_back(scenario_.hosts[host].cell == scenario_.hosts[h].cell);
      }
      dispatches_.push_back({make_selection(scenario_.strategy.selection, is_local), &hosts});
    }
  }
}

void Simulation::schedule_all() {
  events_.reserve(4 * ues_.size());
  schedule_begin();
  events_.push(from_seconds(scenario_.optimizer.report_s), EventKind::kReport, 0);
  if (scenario_.strategy.has_optimizer() || dispatches()) schedule_plan(0);
}

// Also sets what the table has for the UE.
void Simulation::look_up(std::uint32_t id, std::array<std::uint16_t, kEndpointsMax>& endpoints) {
  auto& ue = ues_[id];
  control_.look_up(id, ue.cell, scenario_.strategy.named(), found_);
  ue.endpoints = static_cast<std::uint8_t>(found_.size());
  for (std::size_t i = 0; i < found_.size(); ++i) {
    endpoints[i] = static_cast<std::uint16_t>(found_[i]);
  }
  ue.entry = endpoints[0];
}

void Simulation::moved(std::uint32_t id, Time now) {
  if (dispatches()) return;
  auto& ue = ues_[id];
  control_.update(id, ue.cell, ue.coming[0], now);
  const bool told = scenario_.optimizer.told_of_moves && scenario_.strategy.has_optimizer();
  if (told && control_.place_moved(id, ue.cell, now)) rewritten(id, now);
}

// What the table has for the UE: the row of its cell, or its own if dispatchers follow it.
void Simulation::find_dispatcher(std::uint32_t id, Time now) {
  if (go_to_nearest(ues_[id], now)) notify(id, now);
}

// The old context serves until the answer for the new one is there.
void Simulation::end_context(std::uint32_t id, Time now) {
  auto& ue = ues_[id];
  const bool own_row = dispatches() && scenario_.strategy.follows;
  if (own_row) {
    ue.coming[0] = ue.entry;
  } else {
    look_up(id, ue.coming);
  }
  control_.open(id, ue.cell, ue.coming[0], now);
  const auto there_and_back = 2 * to_orchestrator(ue) + from_ms(scenario_.orchestrator.answer_ms);
  events_.push(now + there_and_back, EventKind::kContextNew, id);
}

void Simulation::use_context(std::uint32_t id) { ues_[id].endpoint = ues_[id].coming; }

void Simulation::plan_all(Time now) {
  for (const auto id : control_.plan(now)) rewritten(id, now);
}

void Simulation::rewritten(std::uint32_t id, Time now) {
  auto& ue = ues_[id];
  control_.look_up(id, ue.cell, 1, found_);
  if (found_.empty() || !rewrite(ue, found_.front(), now)) return;
  if (strategy_ == StrategyKind::kNotification) notify(id, now);
}

// The context is at the new endpoint at once, the UE when it has been told.
void Simulation::notify(std::uint32_t id, Time now) {
  auto& ue = ues_[id];
  ue.coming[0] = ue.entry;
  control_.update(id, ue.cell, ue.entry, now);
  count_notification(ue, now);
  const auto there = now + from_ms(scenario_.orchestrator.notify_ms) + to_orchestrator(ue);
  events_.push(there, EventKind::kNotified, id);
}

// Latest wins: the entry may have changed again meanwhile.
void Simulation::notified(std::uint32_t id) { ues_[id].endpoint[0] = ues_[id].entry; }

void Simulation::report(Time now) {
  const auto period_s = scenario_.optimizer.report_s;
  for (std::uint32_t h = 0; h < hosts_.size(); ++h) {
    auto& host = hosts_[h];
    host.load = host.processor.take_utilisation(now);
    if (counts(now)) host.utilisation.add(host.load);
    control_.report(h, load_of(scenario_, scenario_.hosts[h], host.load, host.requests, period_s),
                    now);
  }
  const auto next = now + from_seconds(period_s);
  if (next < end_) events_.push(next, EventKind::kReport, 0);
}

}  // namespace mx2::emulator
