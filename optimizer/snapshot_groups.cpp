// What moves together, and where it is: the groups of a snapshot.
#include <set>

#include "optimizer/snapshot_builder.h"

namespace mx2::optimizer {

// The first of its hosts that is up, as the orchestrator takes them; kNone for a literal endpoint.
Index SnapshotBuilder::host_of_pin(const Association& pin) const {
  for (const auto& target : pin.targets) {
    if (target.kind != Target::Kind::kHost) break;
    const auto host = host_index(target.value);
    if (host != kNone && snapshot_.hosts[host].status != HostStatus::kDown) return host;
  }
  const auto* first = host_of(pin);
  return first == nullptr ? kNone : host_index(*first);
}

// How many contexts of strategy baseline each UE has at each host. What the dispatchers serve moves
// by the strategy of its own app, which is dispatching, whatever the standard is that they inherit.
void SnapshotBuilder::count_staying() {
  std::set<std::string> apps;
  for (const auto& [id, app] : replica_.apps_) {
    if (id == replica_.dispatcher_) continue;
    if (replica_.strategy_of(app) == Strategy::kBaseline) apps.insert(id);
  }
  if (apps.empty()) return;
  for (const auto& [id, entry] : replica_.contexts_) {
    if (!apps.contains(entry.group.first)) continue;
    auto& contexts = staying_[entry.group];  // though they may be at an endpoint, at no host
    const auto host = host_index(*entry.host_id);
    if (host != kNone) ++contexts[host];
  }
}

Group SnapshotBuilder::group_of(const Replica::GroupKey& key, const Replica::GroupEntry& entry,
                                Index app) {
  const auto asked = whereabouts(entry.place);
  auto attachment = attachment_of(key.second, entry.ip);
  if (attachment == kNone) attachment = asked.attachment;
  Group group{{app, attachment, asked.area}, host_index(entry.host_id), entry.contexts};
  group.moved_ms = entry.moved_ms;
  const auto* decided = row(key.first, "dev:" + key.second);
  const bool own = decided != nullptr && decided->writer == Writer::kOperator;
  const auto* pin = own ? decided : replica_.pin_at(key.first, entry.ip);
  // What a row says is on its way even if the context has not followed yet.
  if (pin != nullptr) {
    group.host = host_of_pin(*pin);
  } else if (const auto* host = decided == nullptr ? nullptr : host_of(*decided)) {
    if (const auto target = host_index(*host); target != kNone) group.host = target;
  }
  // What cannot be compared the orchestrator leaves where it is.
  group.fixed = pin != nullptr || (entry.place && !entry.place->location);
  return group;
}

void SnapshotBuilder::add_group(const Replica::GroupKey& key, const Group& group) {
  snapshot_.groups.push_back(group);
  names_->push_back("dev:" + key.second);
}

// Contexts to come follow the row for everybody until their UE has a row of its own.
Index SnapshotBuilder::host_of_newcomers(const Replica::GroupKey& key, const Group& group) const {
  if (group.fixed || row(key.first, "dev:" + key.second) != nullptr) return group.host;
  const auto* everybody = row(key.first, "*");
  const auto host = everybody == nullptr ? kNone : host_of_pin(*everybody);
  return host == kNone ? group.host : host;
}

void SnapshotBuilder::add_staying(const Replica::GroupKey& key, Group row,
                                  const std::map<Index, std::uint32_t>& contexts) {
  row.host = host_of_newcomers(key, row);
  if (!row.fixed) row.to_come = row.contexts;
  row.contexts = 0;
  row.fixed = true;
  add_group(key, row);
  row.to_come = 0;
  row.follows = false;
  for (const auto& [host, count] : contexts) {
    row.host = host;
    row.contexts = count;
    add_group(key, row);
  }
}

void SnapshotBuilder::add_groups() {
  count_staying();
  std::map<std::string, Index> app_index;
  for (const auto& app : snapshot_.apps) {
    app_index.emplace(app.id, static_cast<Index>(app_index.size()));
  }
  for (const auto& [key, entry] : replica_.groups_) {
    const auto app = app_index.find(key.first);
    if (app == app_index.end()) continue;
    const auto group = group_of(key, entry, app->second);
    if (const auto staying = staying_.find(key); staying != staying_.end()) {
      add_staying(key, group, staying->second);
      continue;
    }
    const bool stays = group.fixed || !is_connected(snapshot_, group.attachment);
    if (!stays || group.host != kNone) add_group(key, group);
  }
  snapshot_.ue = names_;
}

}  // namespace mx2::optimizer
