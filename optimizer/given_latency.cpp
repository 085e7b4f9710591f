#include "optimizer/given_latency.h"

#include <unordered_map>

namespace mx2::optimizer {
namespace {

using Names = std::unordered_map<std::string, Index>;

Names index_of(const std::vector<std::string>& names) {
  Names index;
  index.reserve(names.size());
  for (Index i = 0; i < names.size(); ++i) index.emplace(names[i], i);
  return index;
}

Index find(const Names& names, const std::string& name) {
  const auto it = names.find(name);
  return it == names.end() ? kNone : it->second;
}

}  // namespace

GivenLatency::GivenLatency(const Topology& topology, const Snapshot& snapshot)
    : topology_(topology), snapshot_(snapshot) {
  const auto rows = index_of(topology.computed.attachments);
  const auto columns = index_of(topology.computed.hosts);
  for (const auto& attachment : snapshot.attachments) {
    const auto it = topology.latency_us.find(attachment.name);
    rows_.push_back(it == topology.latency_us.end() ? nullptr : &it->second);
    computed_rows_.push_back(find(rows, attachment.name));
  }
  for (const auto& host : snapshot.hosts) {
    computed_columns_.push_back(find(columns, host.id));
  }
}

std::int32_t GivenLatency::us(Index attachment, Index host) const {
  if (const auto* row = rows_[attachment]) {
    const auto it = row->find(snapshot_.hosts[host].id);
    if (it != row->end()) return it->second;
  }
  const auto row = computed_rows_[attachment];
  const auto column = computed_columns_[host];
  if (row != kNone && column != kNone) return topology_.computed.us.at(row, column);
  // Whoever computes them all would have one.
  const bool may_be = row == kNone && snapshot_.hosts[host].has_place;
  return may_be ? LatencyMatrix::kUnknown : LatencyMatrix::kUnreachable;
}

}  // namespace mx2::optimizer
