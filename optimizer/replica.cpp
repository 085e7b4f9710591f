#include "optimizer/replica.h"

#include "optimizer/snapshot_builder.h"

namespace mx2::optimizer {

void Replica::put_host(const Host& host, std::int64_t now_ms) {
  const auto known = hosts_.find(host.id);
  const auto earlier = hosts_before_.find(host.id);
  const HostEntry* before = nullptr;
  if (known != hosts_.end()) {
    before = &known->second;
  } else if (earlier != hosts_before_.end()) {
    before = &earlier->second;
  }
  HostEntry entry{host, before == nullptr ? 0 : before->up_since_ms};
  const bool came_back =
      before != nullptr && before->host.state == HostState::kDown && host.state != HostState::kDown;
  if (came_back) entry.up_since_ms = now_ms;
  hosts_[host.id] = std::move(entry);
}

void Replica::put_context(const ContextPlace& context, std::int64_t now_ms) {
  const GroupKey key{context.app_d_id, context.dev_app_id};
  const auto known = contexts_.find(context.context_id);
  if (known != contexts_.end() && known->second != key) end_context(context.context_id);
  auto [it, fresh] = groups_.try_emplace(key);
  auto& group = it->second;
  if (const auto before = groups_before_.find(key); fresh && before != groups_before_.end()) {
    group.host_id = before->second.host_id;
    group.moved_ms = before->second.moved_ms;
  }
  if (contexts_.insert_or_assign(context.context_id, key).second) ++group.contexts;
  const bool moved =
      !group.host_id.empty() && !context.host_id.empty() && group.host_id != context.host_id;
  if (moved) group.moved_ms = now_ms;
  group.host_id = context.host_id;
  group.ip = IpAddress::parse(context.client_ip);
}

void Replica::end_context(const std::string& context_id) {
  const auto known = contexts_.find(context_id);
  if (known == contexts_.end()) return;
  const auto group = groups_.find(known->second);
  if (group != groups_.end() && --group->second.contexts == 0) groups_.erase(group);
  contexts_.erase(known);
}

void Replica::put_row(const Association& row) { rows_[{row.app_d_id, row.ue.text()}] = row; }

void Replica::begin_again() {
  hosts_before_ = std::exchange(hosts_, {});
  groups_before_ = std::exchange(groups_, {});
  apps_.clear();
  contexts_.clear();
  rows_.clear();
}

Snapshot Replica::snapshot(const Topology& topology, const OptimizerOptions& options) const {
  return SnapshotBuilder(*this, topology, options).build();
}

}  // namespace mx2::optimizer
