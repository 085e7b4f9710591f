// What happens to a run besides its calls: moves, contexts, plans, notifications, reports.
#include <algorithm>

#include "emulator/simulation.h"

namespace mx2::emulator {

Simulation::Simulation(const Scenario& scenario, std::uint64_t seed)
    : scenario_(scenario),
      strategy_(scenario.strategy.kind),
      end_(from_seconds(scenario.duration_s)),
      warmup_(from_seconds(scenario.warmup_s)),
      dispatch_time_(from_ms(scenario.strategy.dispatch_ms)),
      network_(scenario.network),
      control_(scenario, network_),
      traffic_(scenario.ues.traffic),
      ues_(scenario.ues.number),
      hosts_of_(scenario.lambdas.size()),
      hot_spot_draws_(seed, Purpose::kHotSpot, 0) {
  set_up_hosts();
  set_up_ues(seed);
  set_up_table();
  if (strategy_ == StrategyKind::kDispatching) set_up_dispatchers();
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
                                               std::vector<std::uint32_t>(lambdas)});
    for (std::uint32_t i = 0; i < spec.lambdas.size(); ++i) {
      host.container_of[spec.lambdas[i]] = i;
      hosts_of_[spec.lambdas[i]].push_back(h);
    }
  }
}

void Simulation::set_up_ues(std::uint64_t seed) {
  for (std::uint32_t i = 0; i < ues_.size(); ++i) {
    auto& ue = ues_[i];
    ue.cell = static_cast<std::uint16_t>(Stream(seed, Purpose::kPlace, i).below(network_.cells()));
    ue.lambda = static_cast<std::uint16_t>(lambda_of(scenario_, i));
    ue.traffic.draws = Stream(seed, Purpose::kTraffic, i);
    ue.traffic.sessions = Stream(seed, Purpose::kSessions, i);
    ue.mobility = Stream(seed, Purpose::kMobility, i);
    ue.life = Stream(seed, Purpose::kLife, i);
    ue.probe = Stream(seed, Purpose::kProbe, i);
    ue.size = Stream(seed, Purpose::kSize, i);
  }
  const auto& spot = scenario_.hot_spot;
  const auto places = spot.of == HotSpotSpec::Of::kCells
                          ? network_.cells()
                          : static_cast<std::uint32_t>(scenario_.lambdas.size());
  hot_spot_ = hot_spot_draws_.below(places);
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
  if (!control_.has_optimizer()) return;
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

void Simulation::schedule_first() {
  events_.reserve(4 * ues_.size());
  const auto residence_s = scenario_.ues.mobility.residence_s;
  for (std::uint32_t i = 0; i < ues_.size(); ++i) {
    auto& ue = ues_[i];
    events_.push(traffic_.first(ue.traffic, factor_of(ue)), EventKind::kSend, i);
    if (residence_s > 0 && network_.cells() > 1) {
      events_.push(from_seconds(ue.mobility.exponential(residence_s)), EventKind::kMove, i);
    }
    schedule_end(i, 0);
  }
  if (scenario_.hot_spot.of != HotSpotSpec::Of::kNone) {
    // Not in step with the Optimizer, which would see each place just when it is over.
    const auto phase = hot_spot_draws_.uniform();
    events_.push(from_seconds(phase * scenario_.hot_spot.period_s), EventKind::kHotSpot, 0);
  }
  events_.push(from_seconds(scenario_.optimizer.report_s), EventKind::kReport, 0);
  if (control_.has_optimizer() || strategy_ == StrategyKind::kDispatching) {
    events_.push(from_seconds(scenario_.optimizer.period_s), EventKind::kPlan, 0);
  }
}

void Simulation::schedule_end(std::uint32_t id, Time now) {
  const auto life_s = scenario_.ues.context_life_s;
  if (life_s <= 0) return;
  const auto end = now + from_seconds(ues_[id].life.exponential(life_s));
  if (end < end_) events_.push(end, EventKind::kContextEnd, id);
}

// Also sets what the table has for the UE.
void Simulation::look_up(std::uint32_t id, std::array<std::uint16_t, kEndpointsMax>& endpoints) {
  auto& ue = ues_[id];
  const bool several = strategy_ == StrategyKind::kMultiple;
  control_.look_up(id, ue.cell, several ? scenario_.strategy.endpoints : 1, found_);
  ue.endpoints = static_cast<std::uint8_t>(found_.size());
  for (std::size_t i = 0; i < found_.size(); ++i) {
    endpoints[i] = static_cast<std::uint16_t>(found_[i]);
  }
  ue.entry = endpoints[0];
}

void Simulation::move(std::uint32_t id, Time now) {
  auto& ue = ues_[id];
  const auto& mobility = scenario_.ues.mobility;
  if (mobility.to_any) {
    const auto other = ue.mobility.below(network_.cells() - 1);
    ue.cell = static_cast<std::uint16_t>(other < ue.cell ? other : other + 1);
  } else {
    const auto& neighbours = network_.neighbours(ue.cell);
    ue.cell = static_cast<std::uint16_t>(
        neighbours[ue.mobility.below(static_cast<std::uint32_t>(neighbours.size()))]);
  }
  ++results_.moves;
  const auto next = now + from_seconds(ue.mobility.exponential(mobility.residence_s));
  if (next < end_) events_.push(next, EventKind::kMove, id);
  const bool told = scenario_.optimizer.told_of_moves;
  if (strategy_ == StrategyKind::kDispatching) {
    if (told || !scenario_.strategy.follows) find_dispatcher(id, now);
    return;
  }
  control_.update(id, ue.cell, ue.coming[0], now);
  if (told && control_.has_optimizer() && control_.place_moved(id, ue.cell, now)) {
    rewritten(id, now);
  }
}

// What the table has for the UE: the row of its cell, or its own if dispatchers follow it.
void Simulation::find_dispatcher(std::uint32_t id, Time now) {
  auto& ue = ues_[id];
  const auto nearest = static_cast<std::uint16_t>(control_.nearest_host(ue.cell));
  if (nearest == ue.entry) return;
  ue.entry = nearest;
  ue.rewritten = now;
  if (!scenario_.strategy.follows) return;
  if (counts(now)) ++results_.rows_changed;
  notify(id, now);
}

// The old context serves until the answer for the new one is there.
void Simulation::end_context(std::uint32_t id, Time now) {
  auto& ue = ues_[id];
  const bool own_row = strategy_ == StrategyKind::kDispatching && scenario_.strategy.follows;
  if (own_row) {
    ue.coming[0] = ue.entry;
  } else {
    look_up(id, ue.coming);
  }
  control_.open(id, ue.cell, ue.coming[0], now);
  const auto there_and_back = 2 * to_orchestrator(ue) + from_ms(scenario_.orchestrator.answer_ms);
  events_.push(now + there_and_back, EventKind::kContextNew, id);
}

void Simulation::begin_context(std::uint32_t id, Time now) {
  ues_[id].endpoint = ues_[id].coming;
  schedule_end(id, now);
}

void Simulation::plan(Time now) {
  if (counts(now)) ++results_.plans;
  if (strategy_ == StrategyKind::kDispatching) {
    for (std::uint32_t id = 0; id < ues_.size(); ++id) find_dispatcher(id, now);
  } else {
    for (const auto id : control_.plan(now)) rewritten(id, now);
  }
  const auto next = now + from_seconds(scenario_.optimizer.period_s);
  if (next < end_) events_.push(next, EventKind::kPlan, 0);
}

void Simulation::rewritten(std::uint32_t id, Time now) {
  auto& ue = ues_[id];
  control_.look_up(id, ue.cell, 1, found_);
  if (found_.empty() || found_.front() == ue.entry) return;
  ue.entry = static_cast<std::uint16_t>(found_.front());
  ue.rewritten = now;
  if (counts(now)) ++results_.rows_changed;
  if (strategy_ == StrategyKind::kNotification) notify(id, now);
}

// The context is at the new endpoint at once, the UE when it has been told.
void Simulation::notify(std::uint32_t id, Time now) {
  auto& ue = ues_[id];
  ue.coming[0] = ue.entry;
  control_.update(id, ue.cell, ue.entry, now);
  const auto& orchestrator = scenario_.orchestrator;
  if (counts(now)) {
    ++results_.notifications;
    results_.notification_bytes += static_cast<std::uint64_t>(orchestrator.notification_bytes) *
                                   network_.hops(orchestrator.cell, ue.cell);
    network_.count(orchestrator.cell, ue.cell, orchestrator.notification_bytes);
  }
  events_.push(now + from_ms(orchestrator.notify_ms) + to_orchestrator(ue), EventKind::kNotified,
               id);
}

// Latest wins: the entry may have changed again meanwhile.
void Simulation::notified(std::uint32_t id) { ues_[id].endpoint[0] = ues_[id].entry; }

void Simulation::report(Time now) {
  const auto period_s = scenario_.optimizer.report_s;
  for (std::uint32_t h = 0; h < hosts_.size(); ++h) {
    auto& host = hosts_[h];
    host.load = host.processor.take_utilisation(now);
    if (counts(now)) host.utilisation.add(host.load);
    HostLoad load;
    load.cpu = host.load;
    for (const auto l : scenario_.hosts[h].lambdas) {
      AppLoad app;
      app.app_d_id = scenario_.lambdas[l].id;
      app.request_rate = host.requests[l] / period_s;
      host.requests[l] = 0;
      load.apps.push_back(std::move(app));
    }
    control_.report(h, load, now);
  }
  const auto next = now + from_seconds(period_s);
  if (next < end_) events_.push(next, EventKind::kReport, 0);
}

void Simulation::move_hot_spot(Time now) {
  const auto& spot = scenario_.hot_spot;
  const auto places = spot.of == HotSpotSpec::Of::kCells
                          ? network_.cells()
                          : static_cast<std::uint32_t>(scenario_.lambdas.size());
  if (places > 1) {
    const auto other = hot_spot_draws_.below(places - 1);
    hot_spot_ = other < hot_spot_ ? other : other + 1;
  }
  const auto next = now + from_seconds(spot.period_s);
  if (next < end_) events_.push(next, EventKind::kHotSpot, 0);
}

}  // namespace mx2::emulator
