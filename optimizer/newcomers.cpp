#include "optimizer/newcomers.h"

#include <utility>

#include "optimizer/evaluation.h"
#include "optimizer/moves.h"

namespace mx2::optimizer {

Placement with_newcomers(const Snapshot& snapshot, Placement placement,
                         const std::function<Placement(const Snapshot&)>& place) {
  std::vector<std::size_t> rows;
  std::vector<Group> newcomers;
  auto load = load_of(snapshot, placement);
  bool replaced = false;  // the contexts that come after a row which is planned
  for (std::size_t i = 0; i < snapshot.groups.size(); ++i) {
    auto group = snapshot.groups[i];
    if (group.follows) replaced = group.to_come > 0;
    if (!replaced) continue;
    if (!group.follows) {
      load[group.host] -= load_of(snapshot, group);
      continue;
    }
    group.contexts = std::exchange(group.to_come, 0);
    group.fixed = !is_connected(snapshot, group.attachment);
    rows.push_back(i);
    newcomers.push_back(group);
  }
  if (rows.empty()) return placement;
  auto part = without_groups(snapshot, load);
  part.groups = std::move(newcomers);
  part.cost.migration_us = 0;
  const auto placed = place(part);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    placement.host_of_group[rows[r]] = placed.host_of_group[r];
  }
  if (placement.degraded.empty()) placement.degraded = placed.degraded;
  return placement;
}

}  // namespace mx2::optimizer
