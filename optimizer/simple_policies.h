// The policies that need no solver; see policy.h.
#pragma once

#include "optimizer/policy.h"

namespace mx2::optimizer {

class StaticPolicy final : public PlacementPolicy {
 public:
  [[nodiscard]] Placement place(const Snapshot& snapshot) const override;
  [[nodiscard]] std::string name() const override { return "static"; }
};

class NearestPolicy final : public PlacementPolicy {
 public:
  [[nodiscard]] Placement place(const Snapshot& snapshot) const override;
  [[nodiscard]] std::string name() const override { return "nearest"; }
};

class CountGreedyPolicy final : public PlacementPolicy {
 public:
  [[nodiscard]] Placement place(const Snapshot& snapshot) const override;
  [[nodiscard]] std::string name() const override { return "count-greedy"; }
};

class LeastLoadedPolicy final : public PlacementPolicy {
 public:
  [[nodiscard]] Placement place(const Snapshot& snapshot) const override;
  [[nodiscard]] std::string name() const override { return "least-loaded"; }
};

}  // namespace mx2::optimizer
