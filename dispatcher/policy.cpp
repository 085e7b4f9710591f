#include "dispatcher/policy.h"

#include <algorithm>
#include <limits>

namespace mx2::dispatcher {
namespace {

constexpr double kGoodFactor = 2;
constexpr double kSecondsLeast = 1e-6;
constexpr int kBisections = 60;

double impedance(const Measured* m) { return std::max(m->impedance(), kSecondsLeast); }

void normalise(std::vector<Share>& shares) {
  double sum = 0;
  for (const auto& s : shares) sum += s.share;
  for (auto& s : shares) s.share = sum > 0 ? s.share / sum : 1.0 / double(shares.size());
}

class LeastImpedance final : public Policy {
 public:
  using Policy::Policy;
  std::vector<Share> shares(const Candidates& candidates, const Traffic&) const override {
    std::vector<Share> out(candidates.size());
    const auto least = std::min_element(
        candidates.begin(), candidates.end(),
        [](const Measured* a, const Measured* b) { return impedance(a) < impedance(b); });
    out[static_cast<std::size_t>(least - candidates.begin())].share = 1;
    return out;
  }
};

class RandomProportional final : public Policy {
 public:
  using Policy::Policy;
  std::vector<Share> shares(const Candidates& candidates, const Traffic&) const override {
    std::vector<Share> out;
    for (const auto* m : candidates) out.push_back({1 / impedance(m), false});
    normalise(out);
    return out;
  }
};

class DeficitRoundRobin final : public Policy {
 public:
  using Policy::Policy;

  void observe(const Candidates& candidates, std::size_t which, const Sample& sample,
               std::int64_t now_ms) const override {
    auto& measured = *candidates[which];
    take(measured, sample, options_.alpha, now_ms);
    measured.updated_ms = now_ms;
    if (measured.probing) end_probe(candidates, measured);
    find_active(candidates, now_ms);
  }

  std::vector<Share> shares(const Candidates& candidates, const Traffic& traffic) const override {
    find_active(candidates, traffic.now_ms);
    std::vector<Share> out;
    for (const auto* m : candidates) {
      const bool shared = m->active && !m->probing;
      out.push_back({shared ? 1 / impedance(m) : 0, m->probing});
    }
    normalise(out);
    return out;
  }

 private:
  static double good_limit(const Candidates& candidates) {
    double out = std::numeric_limits<double>::infinity();
    for (const auto* m : candidates) out = std::min(out, impedance(m));
    return kGoodFactor * out;
  }

  static void end_probe(const Candidates& candidates, Measured& measured) {
    measured.probing = false;
    const bool good = impedance(&measured) <= good_limit(candidates);
    measured.stale_period_ms = good ? Measured::kStaleFirstMs
                                    : std::min(2 * measured.stale_period_ms, Measured::kStaleMaxMs);
  }

  // Also by the clock: else nothing would be probed while there are no answers.
  static void find_active(const Candidates& candidates, std::int64_t now_ms) {
    const double limit = good_limit(candidates);
    for (auto* m : candidates) {
      if (impedance(m) <= limit) {
        if (m->probing) m->stale_period_ms = Measured::kStaleFirstMs;
        m->probing = false;
        m->active = true;
      } else if (m->updated_ms == Measured::kNever) {
        m->active = true;
      } else if (!m->probing) {
        m->active = now_ms - m->updated_ms >= m->stale_period_ms;
        m->probing = m->active;
      }
    }
  }
};

class Predicted final : public Policy {
 public:
  using Policy::Policy;

  void observe(const Candidates& candidates, std::size_t which, const Sample& sample,
               std::int64_t now_ms) const override {
    auto& m = *candidates[which];
    take(m, sample, options_.alpha, now_ms);
    if (sample.failed) return;
    m.by_size.add(sample.bytes, sample.seconds, now_ms);
    const double by_size = m.by_size.line(now_ms, options_.stale_ms).at(sample.bytes);
    m.by_load.add(sample.load, sample.seconds - by_size, now_ms);
  }

  // Where each call goes where it would be answered first, all that are used take the same time:
  // the level at which the calls in flight fill them.
  std::vector<Share> shares(const Candidates& candidates, const Traffic& traffic) const override {
    std::vector<Share> out(candidates.size());
    std::vector<LinearFit::Line> lines;
    bool any = false;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      out[i].probe = candidates[i]->by_size.is_empty(traffic.now_ms, options_.stale_ms);
      lines.push_back(time_by_load(*candidates[i], traffic));
      any = any || !out[i].probe;
    }
    if (!any) {
      for (auto& s : out) s.probe = false;
      normalise(out);
      return out;
    }
    const double level = find_level(lines, out, std::max(1.0, traffic.in_flight));
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i].share = out[i].probe ? 0 : filled(lines[i], level);
    }
    normalise(out);
    return out;
  }

 private:
  LinearFit::Line time_by_load(const Measured& m, const Traffic& traffic) const {
    const double base = m.by_size.line(traffic.now_ms, options_.stale_ms).at(traffic.bytes);
    const auto fit = m.by_load.line(traffic.now_ms, options_.stale_ms);
    const double worse = 1 / (1 - std::min(m.failures, 0.99));
    const double empty = std::max(kSecondsLeast, base + fit.a) * worse;
    return {empty, std::max(fit.b, empty / 100) * worse};
  }

  static double filled(const LinearFit::Line& line, double level) {
    return std::max(0.0, (level - line.a) / line.b);
  }

  static double find_level(const std::vector<LinearFit::Line>& lines, const std::vector<Share>& out,
                           double in_flight) {
    double low = 0;
    double high = 0;
    for (const auto& line : lines) high = std::max(high, line.at(in_flight));
    for (int i = 0; i < kBisections; ++i) {
      const double middle = (low + high) / 2;
      double sum = 0;
      for (std::size_t d = 0; d < lines.size(); ++d) {
        if (!out[d].probe) sum += filled(lines[d], middle);
      }
      (sum < in_flight ? low : high) = middle;
    }
    return high;
  }
};

class TwoChoices final : public Policy {
 public:
  using Policy::Policy;
  std::vector<Share> shares(const Candidates& candidates, const Traffic&) const override {
    std::vector<Share> out(candidates.size());
    normalise(out);
    return out;
  }
};

}  // namespace

void Policy::observe(const Candidates& candidates, std::size_t which, const Sample& sample,
                     std::int64_t now_ms) const {
  take(*candidates[which], sample, options_.alpha, now_ms);
}

std::unique_ptr<Policy> make_policy(const std::string& name, PolicyOptions options) {
  if (name == "least-impedance") return std::make_unique<LeastImpedance>(options);
  if (name == "random-proportional") return std::make_unique<RandomProportional>(options);
  if (name == "deficit-round-robin") return std::make_unique<DeficitRoundRobin>(options);
  if (name == "predicted") return std::make_unique<Predicted>(options);
  if (name == "two-choices") return std::make_unique<TwoChoices>(options);
  return nullptr;
}

}  // namespace mx2::dispatcher
