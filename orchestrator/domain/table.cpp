#include "orchestrator/domain/table.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace mx2 {
namespace {

std::string key_of(const std::vector<Target>& targets) {
  std::string key;
  for (const auto& target : targets) key += target.text() + "\n";
  return key;
}

}  // namespace

TargetPool::Id TargetPool::acquire(const std::vector<Target>& targets) {
  auto key = key_of(targets);
  const auto it = by_key_.find(key);
  if (it != by_key_.end()) {
    ++entries_[it->second].uses;
    return it->second;
  }
  Id id = static_cast<Id>(entries_.size());
  if (free_.empty()) {
    entries_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  entries_[id] = {targets, key, 1};
  by_key_.emplace(std::move(key), id);
  return id;
}

void TargetPool::release(Id id) {
  auto& entry = entries_[id];
  if (--entry.uses > 0) return;
  by_key_.erase(entry.key);
  entry = {};
  free_.push_back(id);
}

std::size_t TargetPool::uses_of_host(std::string_view host_id) const {
  std::size_t uses = 0;
  for (const auto& entry : entries_) {
    const bool named = std::any_of(
        entry.targets.begin(), entry.targets.end(),
        [&](const Target& t) { return t.kind == Target::Kind::kHost && t.value == host_id; });
    if (named) uses += entry.uses;
  }
  return uses;
}

std::size_t Table::IpHash::operator()(const IpKey& key) const {
  const auto& bytes = key.address.bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return std::hash<std::string_view>{}(text)*131U + static_cast<std::size_t>(key.length);
}

void Table::replace(TargetPool::Id& slot, TargetPool::Id id, bool fresh) {
  if (fresh) {
    ++rows_;
  } else {
    pool_.release(slot);
  }
  slot = id;
}

void Table::put_ip(AppRows& rows, const IpPrefix& prefix, TargetPool::Id id) {
  const auto [it, fresh] = rows.by_prefix.try_emplace({prefix.address, prefix.length}, id);
  if (fresh) ++rows.lengths[prefix.length];
  replace(it->second, id, fresh);
}

void Table::put_device(AppRows& rows, const std::string& dev_app_id, TargetPool::Id id) {
  const auto [it, fresh] = rows.by_dev_app.try_emplace(dev_app_id, id);
  if (!fresh) forget_device(rows, it->second);
  ++rows.devices[id];
  replace(it->second, id, fresh);
}

void Table::forget_device(AppRows& rows, TargetPool::Id id) {
  const auto it = rows.devices.find(id);
  if (--it->second == 0) rows.devices.erase(it);
}

void Table::put(const UeSelector& ue, const std::string& app_d_id,
                const std::vector<Target>& targets) {
  auto& rows = apps_[app_d_id];
  const auto id = pool_.acquire(targets);
  switch (ue.kind) {
    case UeSelector::Kind::kDevApp: return put_device(rows, ue.dev_app_id, id);
    case UeSelector::Kind::kIp: return put_ip(rows, ue.prefix, id);
    case UeSelector::Kind::kAny: {
      const bool fresh = !rows.any;
      return replace(fresh ? rows.any.emplace(id) : *rows.any, id, fresh);
    }
  }
}

std::optional<TargetPool::Id> Table::take(AppRows& rows, const UeSelector& ue) {
  if (ue.kind == UeSelector::Kind::kAny) return std::exchange(rows.any, std::nullopt);
  if (ue.kind == UeSelector::Kind::kDevApp) {
    auto node = rows.by_dev_app.extract(ue.dev_app_id);
    if (node.empty()) return std::nullopt;
    forget_device(rows, node.mapped());
    return node.mapped();
  }
  auto node = rows.by_prefix.extract(IpKey{ue.prefix.address, ue.prefix.length});
  if (node.empty()) return std::nullopt;
  if (--rows.lengths[ue.prefix.length] == 0) rows.lengths.erase(ue.prefix.length);
  return node.mapped();
}

bool Table::remove(const UeSelector& ue, const std::string& app_d_id) {
  const auto app = apps_.find(app_d_id);
  if (app == apps_.end()) return false;
  const auto id = take(app->second, ue);
  if (!id) return false;
  pool_.release(*id);
  --rows_;
  return true;
}

void Table::find(const std::string& app_d_id, const std::string& dev_app_id,
                 const std::optional<IpAddress>& ip, std::vector<Match>& matches) const {
  const auto app = apps_.find(app_d_id);
  if (app == apps_.end()) return;
  const auto& rows = app->second;
  const auto dev = rows.by_dev_app.find(dev_app_id);
  if (dev != rows.by_dev_app.end()) {
    matches.push_back({UeSelector::Kind::kDevApp, 0, &pool_.get(dev->second)});
  }
  if (ip) {
    for (const auto& [length, count] : rows.lengths) {
      if (ip->is_v4() && length < IpPrefix::kV4Offset) break;  // from here on prefixes of IPv6
      const auto it = rows.by_prefix.find(IpKey{ip->masked(length), length});
      if (it == rows.by_prefix.end()) continue;
      matches.push_back({UeSelector::Kind::kIp, length, &pool_.get(it->second)});
    }
  }
  if (rows.any) matches.push_back({UeSelector::Kind::kAny, 0, &pool_.get(*rows.any)});
}

std::map<std::string, std::size_t> Table::devices_by_host(const std::string& app_d_id) const {
  std::map<std::string, std::size_t> hosts;
  const auto app = apps_.find(app_d_id);
  if (app == apps_.end()) return hosts;
  for (const auto& [id, devices] : app->second.devices) {
    const auto& first = pool_.get(id).front();
    if (first.kind == Target::Kind::kHost) hosts[first.value] += devices;
  }
  return hosts;
}

std::size_t Table::rows_of_app(const std::string& app_d_id) const {
  const auto app = apps_.find(app_d_id);
  if (app == apps_.end()) return 0;
  const auto& rows = app->second;
  return rows.by_dev_app.size() + rows.by_prefix.size() + (rows.any ? 1 : 0);
}

}  // namespace mx2
