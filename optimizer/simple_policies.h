// The policies that need no solver; see policy.h.
#pragma once

#include "optimizer/policy.h"

namespace mx2::optimizer {

class StaticPolicy final : public PlacementPolicy {
 public:
  [[nodiscard]] Placement place(const Snapshot& snapshot) const override;
};

class NearestPolicy final : public PlacementPolicy {
 public:
  [[nodiscard]] Placement place(const Snapshot& snapshot) const override;
};

class CountGreedyPolicy final : public PlacementPolicy {
 public:
  [[nodiscard]] Placement place(const Snapshot& snapshot) const override;
};

class LeastLoadedPolicy final : public PlacementPolicy {
 public:
  [[nodiscard]] Placement place(const Snapshot& snapshot) const override;
};

}  // namespace mx2::optimizer
