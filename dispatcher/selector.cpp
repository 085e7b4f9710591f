#include "dispatcher/selector.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "api/base/units.h"
#include "dispatcher/layout.h"

namespace mx2::dispatcher {
namespace {

constexpr double kSpillUp = 0.1;
constexpr double kSpillDown = 0.02;
constexpr std::int64_t kSpillMs = 100;
constexpr std::int64_t kSpillStepsMax = 10;
// Calls elsewhere, without one here, after which the tier is tried again, and when that was long.
// Not more often: by round robin, HAProxy sends a server with any weight each call first as long as
// all that it gets are made again elsewhere.
constexpr std::uint64_t kSilentCalls = 100;
constexpr std::int64_t kSilentMs = 3000;
constexpr std::uint64_t kSilentCallsLeast = 10;
constexpr double kPatienceLeast = 1;  // seconds
constexpr double kPatienceFactor = 10;
constexpr std::int64_t kExploreMs = 1000;
constexpr double kStandByFactor = 10;
constexpr double kAverage = 0.9;  // weight of what was before
constexpr double kFailuresMany = 0.5;
// As many as it takes until a server with weight 1 gets one from HAProxy, beside one with 256.
constexpr std::uint64_t kExploreCalls = 300;
constexpr double kShareLeast = 1.0 / (2 * kWeightMax);

constexpr std::size_t kNobody = std::numeric_limits<std::size_t>::max();

}  // namespace

void Selector::update(const Lambda& lambda) {
  std::vector<State> states(lambda.destinations.size());
  std::map<std::string, std::size_t> by_name;
  for (std::size_t i = 0; i < states.size(); ++i) {
    const auto& destination = lambda.destinations[i];
    const auto before = by_name_.find(destination.name);
    // A certificate is proven before anybody relies on it.
    states[i].up = destination.tls_host.empty();
    if (before != by_name_.end()) states[i] = std::move(states_[before->second]);
    // What was unreachable and is said to be well again gets its chance.
    const bool returns = before != by_name_.end() && destination.admin == Admin::kReady &&
                         destinations_[before->second].admin == Admin::kDown;
    if (returns && destination.tls_host.empty()) states[i].up = true;
    by_name.emplace(destination.name, i);
  }
  states_ = std::move(states);
  by_name_ = std::move(by_name);
  destinations_ = lambda.destinations;
  heard_.assign(states_.size(), {});
}

std::size_t Selector::index_of(const std::string& destination) const {
  const auto it = by_name_.find(destination);
  return it == by_name_.end() ? kNobody : it->second;
}

void Selector::observe(const std::string& destination, const Sample& sample, bool queued,
                       std::int64_t now_ms) {
  const auto i = index_of(destination);
  if (i == kNobody) return;
  heard_[i].queued = heard_[i].queued || queued;
  bytes_ = kAverage * bytes_ + (1 - kAverage) * sample.bytes;
  in_flight_ = kAverage * in_flight_ + (1 - kAverage) * sample.load;
  take(i, sample, now_ms);
}

void Selector::failed(const std::string& destination, std::int64_t now_ms) {
  const auto i = index_of(destination);
  if (i != kNobody) take(i, {0, bytes_, states_[i].measured.load, true}, now_ms);
}

bool Selector::abandoned(const std::string& destination, const Sample& sample, bool queued,
                         std::int64_t now_ms) {
  const auto i = index_of(destination);
  if (i == kNobody) return false;
  const auto& m = states_[i].measured;
  const double usual = m.answered_ms == Measured::kNever ? 0 : m.seconds;
  if (sample.seconds < std::max(kPatienceLeast, kPatienceFactor * usual)) return false;
  observe(destination, sample, queued, now_ms);
  return true;
}

void Selector::take(std::size_t i, const Sample& sample, std::int64_t now_ms) {
  auto& state = states_[i];
  ++state.calls;
  ++calls_;
  if (sample.failed) ++state.errors;
  heard_[i].sampled = true;
  // It was tried again, and is well: what is remembered is old.
  const auto& overflow = overflows_[static_cast<std::size_t>(destinations_[i].tier)];
  if (!sample.failed && is_silent(overflow, now_ms)) state.measured.failures /= 2;
  // The policy sees the sample among those of its tier.
  Indices peers;
  std::size_t which = 0;
  for (std::size_t k = 0; k < destinations_.size(); ++k) {
    if (destinations_[k].tier != destinations_[i].tier) continue;
    if (k != i && (!states_[k].up || destinations_[k].admin != Admin::kReady)) continue;
    if (k == i) which = peers.size();
    peers.push_back(k);
  }
  policy_.observe(candidates(peers), which, sample, now_ms);
}

bool Selector::set_up(const std::string& destination, bool up, bool checked) {
  const auto i = index_of(destination);
  if (i == kNobody || states_[i].up == up) return false;
  if (up && !checked && !destinations_[i].tls_host.empty()) return false;
  states_[i].up = up;
  return true;
}

void Selector::set_counts(const std::string& destination, long in_flight, long queued) {
  const auto i = index_of(destination);
  if (i == kNobody) return;
  states_[i].in_flight = in_flight;
  states_[i].queued = queued;
}

void Selector::Overflow::change(double by) { spill = std::clamp(spill + by, 0.0, 1.0); }

std::size_t Selector::tier_of(const Indices& tier) const {
  return static_cast<std::size_t>(destinations_[tier.front()].tier);
}

// Nearest first; only tiers that have somebody. Those that cannot take calls are in none, unless
// nobody can: then those that drain, then those that do not answer (they may, by now).
std::vector<Selector::Indices> Selector::find_tiers() const {
  const auto collect = [this](Admin admin, bool up) {
    std::vector<Indices> by_tier(kTiers);
    for (std::size_t i = 0; i < states_.size(); ++i) {
      if (destinations_[i].admin != admin || states_[i].up != up) continue;
      by_tier[static_cast<std::size_t>(destinations_[i].tier)].push_back(i);
    }
    std::erase_if(by_tier, [](const Indices& tier) { return tier.empty(); });
    return by_tier;
  };
  auto tiers = collect(Admin::kReady, true);
  if (tiers.empty()) tiers = collect(Admin::kDraining, true);
  if (tiers.empty()) tiers = collect(Admin::kReady, false);
  return tiers;
}

Candidates Selector::candidates(const Indices& tier) {
  Candidates out;
  for (const auto i : tier) out.push_back(&states_[i].measured);
  return out;
}

// Who was never measured takes as long as was configured, else as the slowest of its tier.
void Selector::assume(const std::vector<Indices>& tiers) {
  for (const auto& tier : tiers) {
    double slowest = 0;
    for (const auto i : tier) {
      const auto& m = states_[i].measured;
      if (m.answered_ms != Measured::kNever) slowest = std::max(slowest, m.seconds);
    }
    for (const auto i : tier) {
      auto& m = states_[i].measured;
      if (m.answered_ms != Measured::kNever) continue;
      const auto latency = destinations_[i].latency_ms;
      m.seconds = slowest > 0 ? slowest : 1;
      if (latency > 0) m.seconds = latency / kMsPerSecond;
    }
  }
}

// Of those that we have heard of lately, the best counts; of the next tier, who is known.
std::optional<Beyond> Selector::overflows(const Indices& tier, const Indices& next,
                                          std::int64_t now_ms) const {
  if (next.empty()) return std::nullopt;
  const auto better = [](const Measured* a, const Measured& b) {
    return a == nullptr || b.impedance() < a->impedance() ? &b : a;
  };
  const Measured* here = nullptr;
  bool queued = false;
  for (const auto i : tier) {
    if (heard_[i].sampled) here = better(here, states_[i].measured);
    queued = queued || heard_[i].queued;
  }
  const Measured* there = nullptr;
  for (const auto i : next) {
    const auto& m = states_[i].measured;
    const bool known = m.is_fresh(now_ms, options_.stale_ms) || destinations_[i].latency_ms > 0;
    if (known) there = better(there, m);
  }
  if (queued) return Beyond::kQueue;
  const bool well = there == nullptr || there->failures < kFailuresMany;
  if (here->failures > kFailuresMany && well) return Beyond::kFailures;
  if (there == nullptr) return std::nullopt;
  const double gain_ms = (here->impedance() - there->impedance()) * kMsPerSecond;
  const bool longer = gain_ms > options_.spill_ms &&
                      here->impedance() * kPercent > there->impedance() * options_.spill_percent;
  return longer ? std::optional(Beyond::kLatency) : std::nullopt;
}

Beyond Selector::why_beyond(Tier tier) const {
  bool somebody = false;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const bool takes = states_[i].up && destinations_[i].admin == Admin::kReady;
    somebody = somebody || (takes && destinations_[i].tier == tier);
  }
  if (!somebody) return Beyond::kUnavailable;
  const auto& overflow = overflows_[static_cast<std::size_t>(tier)];
  return overflow.spill > 0 ? overflow.why : Beyond::kTrial;
}

// A sample tells for the time since the one before, a bad one not for one that is long ago.
void Selector::adjust_spill(Overflow& overflow, const Indices& tier, const Indices& next,
                            std::int64_t now_ms) {
  const bool sampled =
      std::any_of(tier.begin(), tier.end(), [this](std::size_t i) { return heard_[i].sampled; });
  if (!sampled) return;
  const auto passed_ms = now_ms - overflow.sampled_ms;
  overflow.sampled_ms = now_ms;
  overflow.sampled_calls = calls_;
  const auto steps = std::clamp<std::int64_t>(passed_ms / kSpillMs, 1, kSpillStepsMax);
  const auto why = overflows(tier, next, now_ms);
  if (!why) {
    overflow.change(-kSpillDown * static_cast<double>(steps));
  } else {
    overflow.why = *why;
    overflow.change(passed_ms < options_.stale_ms ? kSpillUp * static_cast<double>(steps)
                                                  : kSpillUp);
  }
}

void Selector::adjust_spill(const std::vector<Indices>& tiers, std::int64_t now_ms) {
  if (!is_restless() || now_ms - adjusted_ms_ < kSpillMs) return;
  adjusted_ms_ = now_ms;
  std::vector<bool> present(kTiers, false);
  for (std::size_t t = 0; t < tiers.size(); ++t) {
    const auto tier = tier_of(tiers[t]);
    adjust_spill(overflows_[tier], tiers[t], t + 1 < tiers.size() ? tiers[t + 1] : Indices{},
                 now_ms);
    present[tier] = true;
  }
  for (std::size_t tier = 0; tier < kTiers; ++tier) {
    if (!present[tier]) overflows_[tier].change(-kSpillDown);
  }
  heard_.assign(states_.size(), {});
}

bool Selector::is_silent(const Overflow& overflow, std::int64_t now_ms) const {
  if (overflow.spill == 0) return false;
  const auto calls = calls_ - overflow.sampled_calls;
  const auto passed_ms = now_ms - overflow.sampled_ms;
  return (calls >= kSilentCalls && passed_ms >= kSilentMs) ||
         (calls >= kSilentCallsLeast && passed_ms >= options_.stale_ms);
}

// Of its calls. As long as nobody knows how it is, ever fewer try it: one may take long to tell.
double Selector::kept(const Overflow& overflow, std::int64_t now_ms) const {
  const auto calls = static_cast<double>(calls_ - overflow.sampled_calls);
  return std::max(1 - overflow.spill, is_silent(overflow, now_ms) ? 1 / calls : 0);
}

void Selector::share_out(const std::vector<Indices>& tiers, std::int64_t now_ms) {
  std::vector<double> shares(states_.size(), 0);
  std::vector<bool> probes(states_.size(), false);
  double left = 1;
  for (std::size_t t = 0; t < tiers.size(); ++t) {
    const bool last = t + 1 == tiers.size();
    const double of_tier = last ? left : left * kept(overflows_[tier_of(tiers[t])], now_ms);
    left -= of_tier;
    const auto result = policy_.shares(candidates(tiers[t]), {bytes_, in_flight_, now_ms});
    for (std::size_t k = 0; k < result.size(); ++k) {
      shares[tiers[t][k]] = of_tier * result[k].share;
      probes[tiers[t][k]] = result[k].probe && of_tier > 0;
    }
  }
  const double most = shares.empty() ? 0 : *std::max_element(shares.begin(), shares.end());
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const double share = most > 0 ? shares[i] / most : 0;
    states_[i].weight = static_cast<int>(std::lround(share * kWeightMax));
    if (states_[i].weight == 0 && (share > kShareLeast || probes[i])) states_[i].weight = 1;
  }
}

// Unused destinations whose state nobody knows, in turn; null when all is known.
Selector::State* Selector::unknown(const Indices& unused, std::int64_t now_ms) {
  std::size_t oldest = kNobody;
  for (const auto i : unused) {
    const auto& state = states_[i];
    if (state.measured.is_fresh(now_ms, options_.stale_ms)) continue;
    const bool lasts =
        now_ms - state.explored_ms < kExploreMs || calls_ - explored_calls_ < kExploreCalls;
    if (lasts && destinations_[i].name == exploring_) return &states_[i];
    if (oldest == kNobody || state.explored_ms < states_[oldest].explored_ms) oldest = i;
  }
  if (oldest == kNobody) return nullptr;
  exploring_ = destinations_[oldest].name;
  explored_calls_ = calls_;
  states_[oldest].explored_ms = now_ms;
  return &states_[oldest];
}

void Selector::stand_by(const std::vector<Indices>& tiers, std::int64_t now_ms) {
  Indices unused;
  double least = std::numeric_limits<double>::infinity();
  for (const auto& tier : tiers) {
    for (const auto i : tier) {
      if (states_[i].weight > 0) {
        least = std::min(least, states_[i].measured.impedance());
      } else {
        unused.push_back(i);
      }
    }
    // Farther ones only while there is nobody nearer to ask.
    if (!unused.empty() && &tier != &tiers.front()) break;
  }
  State* chosen = unknown(unused, now_ms);
  for (const auto i : unused) {
    if (chosen != nullptr && !chosen->measured.is_fresh(now_ms, options_.stale_ms)) break;
    const auto w = states_[i].measured.impedance();
    if (w > kStandByFactor * least) continue;
    if (chosen == nullptr || w < chosen->measured.impedance()) chosen = &states_[i];
  }
  if (chosen != nullptr) chosen->weight = 1;
}

std::vector<int> Selector::weights(std::int64_t now_ms) {
  const auto tiers = find_tiers();
  assume(tiers);
  adjust_spill(tiers, now_ms);
  share_out(tiers, now_ms);
  stand_by(tiers, now_ms);
  std::vector<int> out;
  for (const auto& state : states_) out.push_back(state.weight);
  return out;
}

bool Selector::is_restless() const {
  return std::any_of(heard_.begin(), heard_.end(), [](const Heard& h) { return h.sampled; });
}

}  // namespace mx2::dispatcher
