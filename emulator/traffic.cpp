#include "emulator/traffic.h"

#include <algorithm>

namespace mx2::emulator {

Time TrafficModel::interval(TrafficState& state, double factor) const {
  const auto mean = spec_.interval_s / factor;
  switch (spec_.interval) {
    case TrafficSpec::Interval::kConstant: return from_seconds(mean);
    case TrafficSpec::Interval::kUniform: return from_seconds(state.draws.uniform(0, 2 * mean));
    case TrafficSpec::Interval::kExponential: break;
  }
  return from_seconds(state.draws.exponential(mean));
}

Time TrafficModel::pause(TrafficState& state, double factor) const {
  return from_seconds(state.draws.uniform(spec_.spacing_min_s, spec_.spacing_max_s) / factor);
}

Time TrafficModel::first(TrafficState& state, double factor) const {
  switch (spec_.model) {
    case TrafficSpec::Model::kOnOff: {
      // Stationary: what is left of an exponential time is distributed as the whole.
      const auto on = state.sessions.uniform() * (spec_.on_s + spec_.off_s) < spec_.on_s;
      if (on) state.on_end = from_seconds(state.sessions.exponential(spec_.on_s));
      return next_on(state, 0, factor);
    }
    case TrafficSpec::Model::kBursts:
      state.due = -from_seconds(state.sessions.exponential(spec_.period_s) / 2);
      return next_of_burst(state, 0, factor);
    case TrafficSpec::Model::kClosedLoop: break;
  }
  const bool constant = spec_.interval == TrafficSpec::Interval::kConstant;
  state.due =
      constant ? from_seconds(state.draws.uniform(0, spec_.interval_s)) : interval(state, factor);
  return state.due;
}

Time TrafficModel::next(TrafficState& state, Time now, double factor) const {
  switch (spec_.model) {
    case TrafficSpec::Model::kOnOff: return next_on(state, now, factor);
    case TrafficSpec::Model::kBursts: return next_of_burst(state, now, factor);
    case TrafficSpec::Model::kClosedLoop: break;
  }
  state.due = std::max(now, state.due + interval(state, factor));
  return state.due;
}

Time TrafficModel::next_on(TrafficState& state, Time now, double factor) const {
  auto at = now + pause(state, factor);
  while (at >= state.on_end) {
    const auto begin = state.on_end + from_seconds(state.sessions.exponential(spec_.off_s));
    state.on_end = begin + from_seconds(state.sessions.exponential(spec_.on_s));
    at = std::max(begin, now) + pause(state, factor);
  }
  return at;
}

Time TrafficModel::next_of_burst(TrafficState& state, Time now, double factor) const {
  if (state.left > 0) {
    --state.left;
    return now + pause(state, factor);
  }
  int calls = 0;
  while (calls == 0) {
    state.due += from_seconds(state.sessions.exponential(spec_.period_s) / factor);
    calls = state.sessions.poisson(spec_.burst);
  }
  state.left = calls - 1;
  return std::max(now, state.due);
}

}  // namespace mx2::emulator
