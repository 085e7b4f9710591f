#include "optimizer/moves.h"

#include <algorithm>

#include "optimizer/evaluation.h"

namespace mx2::optimizer {
namespace {

// In what is sorted by `id`.
template <typename Model>
Index find(const std::vector<Model>& models, const std::string& id) {
  const auto it = std::lower_bound(models.begin(), models.end(), id,
                                   [](const Model& m, const std::string& to) { return m.id < to; });
  return it == models.end() || it->id != id ? kNone : static_cast<Index>(it - models.begin());
}

}  // namespace

Index find_host(const Snapshot& snapshot, const std::string& id) {
  return find(snapshot.hosts, id);
}

Index find_app(const Snapshot& snapshot, const std::string& id) { return find(snapshot.apps, id); }

Index find_attachment(const Snapshot& snapshot, const std::string& name) {
  if (!snapshot.attachment_index) return kNone;
  const auto it = snapshot.attachment_index->find(name);
  return it == snapshot.attachment_index->end() ? kNone : it->second;
}

std::optional<std::size_t> find_group(const Snapshot& snapshot, Index app, const std::string& ue) {
  std::size_t first = 0;
  auto left = snapshot.groups.size();
  const auto is_before = [&](std::size_t i) {
    const auto of = snapshot.groups[i].app;
    return of < app || (of == app && (*snapshot.ue)[i] < ue);
  };
  while (left > 0) {
    const auto half = left / 2;
    if (is_before(first + half)) {
      first += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  const bool found = first < snapshot.groups.size() && snapshot.groups[first].app == app &&
                     (*snapshot.ue)[first] == ue;
  return found ? std::optional(first) : std::nullopt;
}

std::size_t end_of_ue(const Snapshot& snapshot, std::size_t first) {
  auto end = first + 1;
  while (end < snapshot.groups.size() && !snapshot.groups[end].follows) ++end;
  return end;
}

Snapshot without_groups(const Snapshot& snapshot, const std::vector<std::int64_t>& load) {
  Snapshot part;
  const Landscape& all = snapshot;
  static_cast<Landscape&>(part) = all;
  for (Index h = 0; h < part.hosts.size(); ++h) {
    auto& host = part.hosts[h];
    host.background += load[h];
    host.capacity = std::max<std::int64_t>(0, host.capacity - load[h]);
    host.ready_capacity = std::max<std::int64_t>(0, host.ready_capacity - load[h]);
  }
  return part;
}

Snapshot part_of(const Snapshot& snapshot, const Placement& placement,
                 const std::vector<std::size_t>& groups) {
  auto others = load_of(snapshot, placement);
  std::vector<Group> taken;
  auto names = std::make_shared<std::vector<std::string>>();
  for (const auto i : groups) {
    const auto at = placement.host_of_group[i];
    if (at != kNone) others[at] -= load_of(snapshot, snapshot.groups[i]);
    taken.push_back(snapshot.groups[i]);
    taken.back().host = at;
    names->push_back((*snapshot.ue)[i]);
  }
  auto part = without_groups(snapshot, others);
  part.groups = std::move(taken);
  part.ue = std::move(names);
  return part;
}

}  // namespace mx2::optimizer
