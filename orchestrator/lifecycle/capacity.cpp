#include "orchestrator/lifecycle/capacity.h"

#include <algorithm>
#include <cmath>

#include "api/base/text.h"
#include "api/base/units.h"

namespace mx2::capacity {
namespace {

constexpr double kCountMax = 1e9;      // beyond any limit, and within an integer
constexpr double kLatencyStepMax = 2;  // at most twice as many at once
constexpr double kBurst = 2;
constexpr double kRateOfNothing = 0.01;  // requests a second: what remains of an average

std::int64_t instances_for(double load, double per_instance) {
  if (load <= 0) return 0;
  if (per_instance <= 0) return 1;
  return static_cast<std::int64_t>(std::ceil(std::min(load / per_instance, kCountMax)));
}

// Requests at the same time: as reported, or by Little's law, whichever is more. None: unknown.
std::optional<double> load_of(const Inputs& in) {
  std::optional<double> load = in.in_flight;
  if (in.request_rate && *in.request_rate < kRateOfNothing) load = load.value_or(0);
  if (in.request_rate && in.p50_ms) {
    load = std::max(load.value_or(0), *in.request_rate * *in.p50_ms / kMsPerSecond);
  }
  return load;
}

bool has_requests(const Inputs& in) {
  return in.in_flight.value_or(0) > 0 || in.request_rate.value_or(0) >= kRateOfNothing;
}

// Between `up` and `down` nothing need change: fewer than `up` are too few, more than `down` too
// many.
struct Band {
  std::int64_t up = 0;
  std::int64_t down = 0;
  Reason reason = Reason::kSteady;  // of `up`

  void join(std::int64_t other_up, std::int64_t other_down, Reason other_reason) {
    if (other_up > up) {
      up = other_up;
      reason = other_reason;
    }
    down = std::max({down, other_down, up});
  }
};

class Round {
 public:
  Round(const Inputs& in, const Options& options, const std::optional<State>& state,
        std::int64_t now_ms)
      : in_(in), options_(options), now_ms_(now_ms), load_(load_of(in)) {
    next_.desired = in.ready + in.starting;
    // Nobody has changed anything lately that we know of.
    next_.changed_ms = now_ms - std::max(options.cool_down_up_ms, options.cool_down_down_ms);
    if (state) next_ = *state;
    const auto passed_ms = state ? now_ms - state->seen_ms : 0;
    average(next_.load, load_, passed_ms);
    average(next_.p95_ms, has_requests(in) ? in.p95_ms : std::nullopt, passed_ms);
    if (load_) load_ = std::max(*next_.load, *load_ / kBurst);
    remember_peak(passed_ms);
    remember_use();
    next_.seen_ms = now_ms;
  }

  Decision decide() {
    const auto before = next_.desired;
    const auto [wanted, reason] = limited(wish());
    if (wanted == before) return {before, reason, next_};
    if (reason != Reason::kIdle && must_wait(before, wanted))
      return {before, Reason::kCoolDown, next_};
    next_.desired = wanted;
    next_.changed_ms = now_ms_;
    next_.p95_ms.reset();
    return {wanted, reason, next_};
  }

 private:
  struct Wish {
    std::int64_t instances;
    Reason reason;
  };

  // How much of the past is left after that time.
  static double left_after(std::int64_t passed_ms, std::int64_t half_life_ms) {
    return std::exp2(-static_cast<double>(passed_ms) /
                     static_cast<double>(std::max<std::int64_t>(1, half_life_ms)));
  }

  // What is unknown now leaves the average as it is.
  void average(std::optional<double>& of, const std::optional<double>& value,
               std::int64_t passed_ms) const {
    if (!value) return;
    const double left = of ? left_after(passed_ms, options_.average_half_life_ms) : 0;
    of = of.value_or(0) * left + *value * (1 - left);
  }

  void remember_peak(std::int64_t passed_ms) {
    if (!load_) return;
    next_.peak *= left_after(passed_ms, options_.peak_half_life_ms);
    next_.peak = std::max(next_.peak, *load_);
  }

  void remember_use() {
    if (in_.clients > 0 || has_requests(in_)) {
      next_.unused_since_ms.reset();
    } else if (!next_.unused_since_ms) {
      next_.unused_since_ms = now_ms_;
    }
  }

  [[nodiscard]] bool idle() const {
    const auto enough = load_ ? options_.idle_ms : options_.idle_unknown_ms;
    return next_.unused_since_ms && now_ms_ - *next_.unused_since_ms >= enough;
  }

  [[nodiscard]] Band clients_band() const {
    if (in_.clients <= 0) return {};
    const auto clients = static_cast<double>(in_.clients);
    const auto each = static_cast<double>(options_.clients_per_instance);
    const double low =
        options_.down_percent / static_cast<double>(std::max(1, options_.up_percent));
    Band band;
    band.join(instances_for(clients, each), instances_for(clients, each * std::min(1.0, low)),
              Reason::kClients);
    return band;
  }

  [[nodiscard]] Band load_band() const {
    Band band;
    const auto each = options_.in_flight_per_instance;
    if (!load_) {
      band.down = next_.desired;
    } else {
      band.join(instances_for(*load_, each * options_.up_percent / kPercent),
                instances_for(next_.peak, each * options_.down_percent / kPercent),
                Reason::kInFlight);
    }
    return band;
  }

  // More instances help when requests wait for each other, not when one alone takes too long; and
  // they are asked for only when those asked for before are there.
  [[nodiscard]] Band latency_band() const {
    Band band;
    if (!in_.required_ms || !next_.p95_ms || *in_.required_ms <= 0 || !has_requests(in_))
      return band;
    const double share = *next_.p95_ms / *in_.required_ms * kPercent;
    if (share > options_.latency_down_percent) band.down = next_.desired;
    const bool all_there = in_.starting == 0 && in_.ready >= next_.desired && in_.ready > 0;
    const bool waiting = load_ && *load_ > static_cast<double>(in_.ready);
    if (share <= options_.latency_up_percent || !all_there || !waiting) return band;
    const double factor =
        std::min(kLatencyStepMax, share / std::max(1, options_.latency_up_percent));
    band.join(instances_for(static_cast<double>(in_.ready) * factor, 1), 0, Reason::kLatency);
    return band;
  }

  [[nodiscard]] Wish wish() const {
    if (idle())
      return {options_.scale_to_zero ? 0 : std::min<std::int64_t>(1, next_.desired), Reason::kIdle};
    Band band;
    for (const auto& part : {clients_band(), load_band(), latency_band()}) {
      band.join(part.up, part.down, part.reason);
    }
    if (options_.warm_spare > 0 && in_.clients > 0) {
      band.join(band.up + options_.warm_spare, band.down + options_.warm_spare, Reason::kWarmSpare);
    }
    band.down = std::max<std::int64_t>(1, band.down);  // the last one goes when idle
    if (next_.desired < band.up) return {band.up, band.reason};
    if (next_.desired > band.down) return {band.down, Reason::kLowLoad};
    return {next_.desired, Reason::kSteady};
  }

  [[nodiscard]] Wish limited(Wish wish) const {
    if (!in_.accepts) {
      if (wish.instances <= next_.desired) return wish;
      return {next_.desired, Reason::kClosed};
    }
    if (wish.instances > options_.instances_max) return {options_.instances_max, Reason::kMaximum};
    if (wish.instances < options_.instances_min) return {options_.instances_min, Reason::kMinimum};
    return wish;
  }

  // Not for the first instance, whose clients would find nothing, nor for what a limit demands.
  [[nodiscard]] bool must_wait(std::int64_t before, std::int64_t wanted) const {
    if (in_.accepts && (before < options_.instances_min || before > options_.instances_max)) {
      return false;
    }
    if (before == 0) return false;
    const auto least = wanted > before ? options_.cool_down_up_ms : options_.cool_down_down_ms;
    return now_ms_ - next_.changed_ms < least;
  }

  const Inputs& in_;
  const Options& options_;
  std::int64_t now_ms_;
  std::optional<double> load_;  // what counts now: the average, or half of a burst
  State next_;
};

const State* find(const States& states, const Inputs& in) {
  const auto host = states.find(in.host_id);
  if (host == states.end()) return nullptr;
  const auto app = host->second.find(in.app_d_id);
  return app == host->second.end() ? nullptr : &app->second;
}

}  // namespace

std::string_view to_text(Reason reason) {
  static constexpr EnumTexts<11> kTexts{"steady",     "clients",   "in-flight", "latency",
                                        "warm-spare", "minimum",   "maximum",   "low-load",
                                        "idle",       "cool-down", "closed"};
  return enum_text(reason, kTexts);
}

Decision decide(const Inputs& inputs, const Options& options, const std::optional<State>& state,
                std::int64_t now_ms) {
  return Round(inputs, options, state, now_ms).decide();
}

const Options& Policy::options_of(const std::string& app_d_id) const {
  const auto it = of_app.find(app_d_id);
  return it == of_app.end() ? defaults : it->second;
}

Plan desired_instances(const std::vector<Inputs>& inputs, const Policy& policy,
                       const States& states, std::int64_t now_ms) {
  Plan plan;
  plan.decisions.reserve(inputs.size());
  for (const auto& in : inputs) {
    const auto* state = find(states, in);
    auto decision = decide(in, policy.options_of(in.app_d_id),
                           state == nullptr ? std::nullopt : std::optional(*state), now_ms);
    plan.states[in.host_id][in.app_d_id] = decision.state;
    plan.decisions.push_back(decision);
  }
  return plan;
}

}  // namespace mx2::capacity
