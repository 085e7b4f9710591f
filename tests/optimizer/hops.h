// The host that AdvantEDGE's own mobility services choose, beside the one of least latency.
//
// Theirs counts edges of the tree: 1 for each, 0 for those to COMMON zones and DEFAULT locations;
// domains are not joined. It looks neither at latency nor at what is connected by PDU sessions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "optimizer/advantedge/scenario.h"

namespace mx2::optimizer::advantedge::test {

struct Choice {
  Index host = kNone;     // node; kNone: there is none
  double latency_ms = 0;  // one way; infinite if the choice cannot be reached
};

struct Comparison {
  Index ue = kNone;
  int hops = 0;
  Choice by_hops;
  Choice by_latency;
};

// Nothing: not joined.
[[nodiscard]] std::optional<int> hops_between(const Scenario& scenario, Index a, Index b);

// Every connected UE that both can serve. Of hosts equally many hops away the one with less latency
// counts as the choice by hops, which flatters it: theirs is any of them.
[[nodiscard]] std::vector<Comparison> compare(const Scenario& scenario);

struct Means {
  double by_hops_ms = 0;
  double by_latency_ms = 0;
};
[[nodiscard]] Means means(const std::vector<Comparison>& comparisons);

}  // namespace mx2::optimizer::advantedge::test
