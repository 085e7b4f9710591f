// The rules of mx2-dispatcher, called as it calls them; HAProxy's round robin by weight is ours.
#include <string>
#include <vector>

#include "dispatcher/selector.h"
#include "emulator/selection.h"

namespace mx2::emulator {
namespace {

class Shipped final : public Selection {
 public:
  explicit Shipped(const std::vector<bool>& is_local)
      : policy_(dispatcher::make_policy(options_.policy, {options_.alpha(), options_.stale_ms})),
        selector_(*policy_, options_),
        turns_(is_local.size()),
        in_flight_(is_local.size()) {
    dispatcher::Lambda lambda;
    for (std::size_t i = 0; i < is_local.size(); ++i) {
      dispatcher::Destination destination;
      destination.name = std::to_string(i);
      destination.tier = is_local[i] ? dispatcher::Tier::kLocal : dispatcher::Tier::kNeighbour;
      names_.push_back(destination.name);
      lambda.destinations.push_back(std::move(destination));
    }
    selector_.update(lambda);
  }

  std::uint32_t pick(Time now, double) override {
    if (weights_.empty() || to_ms(now) - weighed_ms_ >= options_.period_ms) weigh(to_ms(now));
    const auto chosen = next_turn();
    ++in_flight_[chosen];
    return static_cast<std::uint32_t>(chosen);
  }

  void answered(Time now, std::uint32_t destination, const Sample& sample) override {
    const dispatcher::Sample told{sample.response_s, sample.bytes,
                                  static_cast<double>(in_flight_[destination]), false};
    selector_.observe(names_[destination], told, false, to_ms(now));
    --in_flight_[destination];
  }

 private:
  void weigh(std::int64_t now_ms) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      selector_.set_counts(names_[i], in_flight_[i], 0);
    }
    weights_ = selector_.weights(now_ms);
    weighed_ms_ = now_ms;
  }

  // Smooth weighted round robin.
  std::size_t next_turn() {
    std::size_t best = 0;
    int total = 0;
    for (std::size_t i = 0; i < turns_.size(); ++i) {
      total += weights_[i];
      turns_[i] += weights_[i];
      if (weights_[i] > 0 && (weights_[best] == 0 || turns_[i] > turns_[best])) best = i;
    }
    turns_[best] -= total;
    return best;
  }

  const dispatcher::SelectionOptions options_;
  const std::unique_ptr<dispatcher::Policy> policy_;
  dispatcher::Selector selector_;
  std::vector<std::string> names_;
  std::vector<int> weights_;
  std::vector<int> turns_;
  std::vector<int> in_flight_;
  std::int64_t weighed_ms_ = 0;
};

}  // namespace

std::unique_ptr<Selection> make_shipped_selection(const std::vector<bool>& is_local) {
  return std::make_unique<Shipped>(is_local);
}

}  // namespace mx2::emulator
