#include "emulator/run.h"

#include <algorithm>

#include "emulator/topology_of.h"

namespace mx2::emulator {

Run::Run(const Scenario& scenario, std::uint64_t seed)
    : scenario_(scenario),
      strategy_(scenario.strategy.kind),
      end_(from_seconds(scenario.duration_s)),
      warmup_(from_seconds(scenario.warmup_s)),
      network_(scenario.network),
      nearest_(nearest_hosts(scenario, network_)),
      traffic_(scenario.ues.traffic),
      hot_spot_draws_(seed, Purpose::kHotSpot, 0) {
  hot_spot_ = hot_spot_draws_.below(hot_places());
}

void Run::place(Mover& ue, std::uint32_t id, std::uint64_t seed) const {
  ue.cell = static_cast<std::uint16_t>(Stream(seed, Purpose::kPlace, id).below(network_.cells()));
  ue.lambda = static_cast<std::uint16_t>(lambda_of(scenario_, id));
  ue.traffic.draws = Stream(seed, Purpose::kTraffic, id);
  ue.traffic.sessions = Stream(seed, Purpose::kSessions, id);
  ue.mobility = Stream(seed, Purpose::kMobility, id);
  ue.life = Stream(seed, Purpose::kLife, id);
  ue.probe = Stream(seed, Purpose::kProbe, id);
}

void Run::schedule_begin() {
  const auto residence_s = scenario_.ues.mobility.residence_s;
  for (std::uint32_t id = 0; id < scenario_.ues.number; ++id) {
    auto& ue = mover(id);
    events_.push(traffic_.first(ue.traffic, factor_of(ue)), EventKind::kSend, id);
    if (residence_s > 0 && network_.cells() > 1) {
      events_.push(from_seconds(ue.mobility.exponential(residence_s)), EventKind::kMove, id);
    }
    schedule_end(ue, id, 0);
  }
  if (scenario_.hot_spot.of == HotSpotSpec::Of::kNone) return;
  // Not in step with the Optimizer, which would see each place just when it is over.
  const auto phase = hot_spot_draws_.uniform();
  events_.push(from_seconds(phase * scenario_.hot_spot.period_s), EventKind::kHotSpot, 0);
}

void Run::happen(const Event& event, Time now) {
  if (now >= end_) return;
  const auto id = event.id();
  switch (event.kind()) {
    case EventKind::kSend: return send(id, now);
    case EventKind::kMove: return move(id, now);
    case EventKind::kContextEnd: return end_context(id, now);
    case EventKind::kContextNew: use_context(id); return schedule_end(mover(id), id, now);
    case EventKind::kNotified: return notified(id);
    case EventKind::kHotSpot: return move_hot_spot(now);
    case EventKind::kReport: return report(now);
    default: return plan(now);
  }
}

void Run::plan(Time now) {
  if (counts(now)) ++results_.plans;
  if (!dispatches()) plan_all(now);
  for (std::uint32_t id = 0; dispatches() && id < scenario_.ues.number; ++id) {
    find_dispatcher(id, now);
  }
  schedule_plan(now);
}

void Run::schedule_plan(Time now) {
  const auto next = now + from_seconds(scenario_.optimizer.period_s);
  if (next < end_) events_.push(next, EventKind::kPlan, 0);
}

void Run::schedule_end(Mover& ue, std::uint32_t id, Time now) {
  const auto life_s = scenario_.ues.context_life_s;
  if (life_s <= 0) return;
  const auto end = now + from_seconds(ue.life.exponential(life_s));
  if (end < end_) events_.push(end, EventKind::kContextEnd, id);
}

// A rewrite is adopted by the first call that is not stale; those of the warm-up do not count.
void Run::count_call(Mover& ue, bool stale, Time now) {
  if (counts(now)) {
    ++results_.calls;
    results_.stale += stale ? 1 : 0;
  }
  if (stale || ue.rewritten == kNever) return;
  if (counts(ue.rewritten)) results_.adoption_s.add(to_seconds(now - ue.rewritten));
  ue.rewritten = kNever;
}

Time Run::leave(Mover& ue, Time now) {
  ++ue.awaited;
  ++results_.sent;
  return cross_access(ue.up_until, scenario_.ues.request_bytes, now);
}

Time Run::cross_access(Time& busy_until, std::uint32_t bytes, Time now) {
  if (counts(now)) results_.access_bytes += bytes + network_.overhead();
  busy_until = std::max(now, busy_until) + network_.access_time(bytes);
  return busy_until + network_.access_delay();
}

bool Run::take_answer(Mover& ue, bool refused, Time now) {
  ++results_.delivered;
  --ue.awaited;
  if (refused) ++results_.failed;
  if (refused || ue.answered) return false;
  ue.answered = true;
  if (counts(ue.sent)) {
    results_.response.add(now - ue.sent);
    results_.response_s.add(to_seconds(now - ue.sent));
  }
  return true;
}

void Run::call_again(Mover& ue, std::uint32_t id, Time now) {
  const auto next = traffic_.next(ue.traffic, now, factor_of(ue));
  if (next < end_) events_.push(next, EventKind::kSend, id);
}

void Run::move(std::uint32_t id, Time now) {
  auto& ue = mover(id);
  const auto& mobility = scenario_.ues.mobility;
  if (mobility.to_any) {
    const auto other = ue.mobility.below(network_.cells() - 1);
    ue.cell = static_cast<std::uint16_t>(other < ue.cell ? other : other + 1);
  } else {
    const auto& near = network_.neighbours(ue.cell);
    ue.cell = static_cast<std::uint16_t>(
        near[ue.mobility.below(static_cast<std::uint32_t>(near.size()))]);
  }
  ++results_.moves;
  const auto next = now + from_seconds(ue.mobility.exponential(mobility.residence_s));
  if (next < end_) events_.push(next, EventKind::kMove, id);
  if (changes_dispatcher_at_once()) return find_dispatcher(id, now);
  moved(id, now);
}

void Run::move_hot_spot(Time now) {
  if (const auto places = hot_places(); places > 1) {
    const auto other = hot_spot_draws_.below(places - 1);
    hot_spot_ = other < hot_spot_ ? other : other + 1;
  }
  const auto next = now + from_seconds(scenario_.hot_spot.period_s);
  if (next < end_) events_.push(next, EventKind::kHotSpot, 0);
}

bool Run::rewrite(Mover& ue, std::uint32_t entry, Time now) {
  if (entry == ue.entry) return false;
  ue.entry = static_cast<std::uint16_t>(entry);
  ue.rewritten = now;
  const bool is_row = !dispatches() || scenario_.strategy.follows;
  if (is_row && counts(now)) ++results_.rows_changed;
  return true;
}

bool Run::go_to_nearest(Mover& ue, Time now) {
  return rewrite(ue, nearest_[ue.cell], now) && scenario_.strategy.follows;
}

void Run::count_notification(const Mover& ue, Time now) {
  if (!counts(now)) return;
  const auto& orchestrator = scenario_.orchestrator;
  ++results_.notifications;
  results_.notification_bytes += static_cast<std::uint64_t>(orchestrator.notification_bytes) *
                                 network_.hops(orchestrator.cell, ue.cell);
  network_.count(orchestrator.cell, ue.cell, orchestrator.notification_bytes);
}

void Run::finish() {
  results_.seconds = to_seconds(end_ - warmup_);
  results_.links = network_.links();
}

double Run::factor_of(const Mover& ue) const {
  const auto& spot = scenario_.hot_spot;
  if (spot.of == HotSpotSpec::Of::kNone) return 1;
  return (spot.of == HotSpotSpec::Of::kCells ? ue.cell : ue.lambda) == hot_spot_ ? spot.factor : 1;
}

std::uint32_t Run::hot_places() const {
  return scenario_.hot_spot.of == HotSpotSpec::Of::kCells
             ? network_.cells()
             : static_cast<std::uint32_t>(scenario_.lambdas.size());
}

}  // namespace mx2::emulator
