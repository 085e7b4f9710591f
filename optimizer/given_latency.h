// What a topology says of latencies, by index of a snapshot's attachments and hosts. Internal to
// snapshot_builder.cpp. Both must outlive it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "optimizer/topology.h"

namespace mx2::optimizer {

class GivenLatency {
 public:
  GivenLatency(const Topology& topology, const Snapshot& snapshot);

  // LatencyMatrix::kUnknown where the topology says nothing of a host that has a place in it;
  // kUnreachable without.
  [[nodiscard]] std::int32_t us(Index attachment, Index host) const;

 private:
  using Row = std::map<std::string, std::int32_t>;  // by host

  const Topology& topology_;
  const Snapshot& snapshot_;
  std::vector<const Row*> rows_;         // of each attachment; null: none
  std::vector<Index> computed_rows_;     // likewise; kNone: none
  std::vector<Index> computed_columns_;  // of each host
};

}  // namespace mx2::optimizer
