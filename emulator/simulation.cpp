#include "emulator/simulation.h"

#include <algorithm>

namespace mx2::emulator {

Results Simulation::run() {
  schedule_all();
  while (!events_.empty()) {
    const auto event = events_.pop();
    ++results_.events;
    handle(event, event.time);
  }
  finish();
  for (const auto& host : hosts_) {
    const auto share = host.utilisation.mean();
    results_.utilisation_mean += share / static_cast<double>(hosts_.size());
    results_.utilisation_max = std::max(results_.utilisation_max, share);
  }
  return std::move(results_);
}

void Simulation::handle(const Event& event, Time now) {
  switch (event.kind()) {
    case EventKind::kAtNode: return at_node(event.id(), now);
    case EventKind::kTaskDone: return task_done(event.id(), now);
    case EventKind::kDelivered: return delivered(event.id(), now);
    default: return happen(event, now);
  }
}

// Of several endpoints none is preferred: stale is what the table does not name at all.
bool Simulation::is_stale(std::uint32_t id, std::uint16_t endpoint) {
  const auto& ue = ues_[id];
  if (endpoint == ue.entry || strategy_ != StrategyKind::kMultiple) return endpoint != ue.entry;
  control_.look_up(id, ue.cell, scenario_.strategy.named(), found_);
  return std::find(found_.begin(), found_.end(), endpoint) == found_.end();
}

void Simulation::send(std::uint32_t id, Time now) {
  auto& ue = ues_[id];
  count_call(ue, is_stale(id, ue.endpoint[0]), now);
  send_to_each(ue, ue.endpoints, now, [&](std::size_t i) { send_to(id, ue.endpoint[i], now); });
}

void Simulation::send_to(std::uint32_t id, std::uint16_t endpoint, Time now) {
  auto& ue = ues_[id];
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(calls_.size());
    calls_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  auto& call = calls_[index];
  call = {};
  call.ue = id;
  call.cell = ue.cell;
  call.stale = listener_ && is_stale(id, endpoint);
  if (dispatches()) {
    call.dispatcher = endpoint;
    call.leg = Leg::kToDispatcher;
  } else {
    call.host = endpoint;
  }
  events_.push(leave(ue, now), EventKind::kAtNode, index);
}

std::uint32_t Simulation::target_cell(const Call& call) const {
  switch (call.leg) {
    case Leg::kToUe: return ues_[call.ue].cell;
    case Leg::kToHost: return scenario_.hosts[call.host].cell;
    default: return scenario_.hosts[call.dispatcher].cell;
  }
}

void Simulation::at_node(std::uint32_t id, Time now) {
  auto& call = calls_[id];
  const auto target = target_cell(call);
  if (call.cell == target) return arrive(id, now);
  const bool request = call.leg == Leg::kToDispatcher || call.leg == Leg::kToHost;
  const auto bytes = request ? scenario_.ues.request_bytes : scenario_.ues.response_bytes;
  const auto next = network_.forward(now, call.cell, target, bytes, counts(now));
  call.cell = static_cast<std::uint16_t>(next.cell);
  events_.push(next.time, EventKind::kAtNode, id);
}

void Simulation::arrive(std::uint32_t id, Time now) {
  auto& call = calls_[id];
  switch (call.leg) {
    case Leg::kToDispatcher:
      call.leg = Leg::kInDispatcher;
      return events_.push(now + dispatch_time_, EventKind::kAtNode, id);
    case Leg::kInDispatcher: pick_host(call, now); return at_node(id, now);
    case Leg::kToHost: return serve(id, now);
    case Leg::kBackToDispatcher:
      back_at_dispatcher(call, now);
      call.leg = Leg::kOutOfDispatcher;
      return events_.push(now + dispatch_time_, EventKind::kAtNode, id);
    case Leg::kOutOfDispatcher: call.leg = Leg::kToUe; return at_node(id, now);
    case Leg::kToUe: return to_ue(id, now);
  }
}

void Simulation::pick_host(Call& call, Time now) {
  const auto lambda = ues_[call.ue].lambda;
  const auto& dispatch = dispatches_[call.dispatcher * scenario_.lambdas.size() + lambda];
  const auto picked = dispatch.selection->pick(now, scenario_.ues.request_bytes);
  call.host = static_cast<std::uint16_t>((*dispatch.hosts)[picked]);
  call.forwarded = now;
  call.leg = Leg::kToHost;
}

void Simulation::serve(std::uint32_t id, Time now) {
  auto& call = calls_[id];
  auto& ue = ues_[call.ue];
  auto& host = hosts_[call.host];
  const auto container = host.container_of[ue.lambda];
  const auto task = task_of(scenario_.lambdas[ue.lambda], id, scenario_.ues.request_bytes, ue.size);
  call.at_host = now;
  ++host.requests[container];
  if (host.processor.submit(now, container, task)) return watch(call.host);
  call.refused = true;
  call.leg = call.dispatcher == kNobody ? Leg::kToUe : Leg::kBackToDispatcher;
  at_node(id, now);
}

// An event that comes too early, because tasks were added since, does nothing.
void Simulation::watch(std::uint32_t host) {
  auto& state = hosts_[host];
  const auto next = state.processor.next_completion();
  if (next == state.scheduled) return;
  state.scheduled = next;
  if (next != kNever) events_.push(next, EventKind::kTaskDone, host);
}

void Simulation::task_done(std::uint32_t host, Time now) {
  auto& state = hosts_[host];
  if (state.scheduled != now) return;
  state.scheduled = kNever;
  done_.clear();
  state.processor.complete(now, done_);
  watch(host);
  for (const auto id : done_) {
    auto& call = calls_[id];
    call.service = now - call.at_host;
    call.leg = call.dispatcher == kNobody ? Leg::kToUe : Leg::kBackToDispatcher;
    at_node(id, now);
  }
}

void Simulation::back_at_dispatcher(Call& call, Time now) {
  if (call.refused) return;
  const auto lambda = ues_[call.ue].lambda;
  const auto& dispatch = dispatches_[call.dispatcher * scenario_.lambdas.size() + lambda];
  const auto at = std::find(dispatch.hosts->begin(), dispatch.hosts->end(), call.host);
  dispatch.selection->answered(
      now, static_cast<std::uint32_t>(at - dispatch.hosts->begin()),
      {to_seconds(now - call.forwarded), to_seconds(call.service), hosts_[call.host].load,
       static_cast<double>(scenario_.ues.request_bytes)});
}

void Simulation::to_ue(std::uint32_t id, Time now) {
  events_.push(come_back(ues_[calls_[id].ue], now), EventKind::kDelivered, id);
}

void Simulation::delivered(std::uint32_t id, Time now) {
  const auto call = calls_[id];
  free_.push_back(id);
  auto& ue = ues_[call.ue];
  if (take_answer(ue, call.refused, now)) {
    if (listener_ && counts(ue.sent)) {
      listener_({call.ue, ue.lambda, call.host, ue.sent, now - ue.sent, call.stale});
    }
    const auto end = ue.endpoint.begin() + ue.endpoints;
    const auto at = std::find(ue.endpoint.begin(), end, call.host);
    if (ue.endpoints > 1 && at != end) std::iter_swap(ue.endpoint.begin(), at);
  }
  if (ue.awaited == 0) call_again(ue, call.ue, now);
}

}  // namespace mx2::emulator
