#include "optimizer/replica.h"

#include "optimizer/snapshot_builder.h"

namespace mx2::optimizer {
namespace {

bool serves_alike(const Host& a, const Host& b) {
  return a.state == b.state && a.reachable == b.reachable && a.zone == b.zone &&
         a.labels == b.labels && a.instances == b.instances && a.mepm_uri == b.mepm_uri &&
         a.unable == b.unable && a.service_area == b.service_area;
}

// Binds everybody whose address is in its prefix.
bool is_pin(const Association& row) {
  return row.writer == Writer::kOperator && row.ue.kind == UeSelector::Kind::kIp;
}

}  // namespace

Replica::Effect Replica::put_host(const Host& host, std::int64_t now_ms) {
  const auto known = hosts_.find(host.id);
  const auto earlier = hosts_before_.find(host.id);
  const HostEntry* before = nullptr;
  if (known != hosts_.end()) {
    before = &known->second;
  } else if (earlier != hosts_before_.end()) {
    before = &earlier->second;
  }
  HostEntry entry{host, {}, 0, {}};
  if (auto area = prepare(host.service_area)) entry.service_area = std::move(*area);
  if (before != nullptr) {
    entry.up_since_ms = before->up_since_ms;
    entry.measured = before->measured;
  }
  if (before != nullptr && before->host.is_down() && !host.is_down()) entry.up_since_ms = now_ms;
  if (host.load) entry.measured = Measured{*host.load, now_ms - host.load->age_ms};
  const bool same = known != hosts_.end() && serves_alike(known->second.host, host);
  hosts_[host.id] = std::move(entry);
  return same ? Effect::kNothing : Effect::kLarge;
}

void Replica::put_load(const std::string& host, const HostLoad& load, std::int64_t now_ms) {
  const auto it = hosts_.find(host);
  if (it != hosts_.end()) it->second.measured = Measured{load, now_ms - load.age_ms};
}

const HostLoad* Replica::load(const std::string& host) const {
  const auto it = hosts_.find(host);
  return it != hosts_.end() && it->second.measured ? &it->second.measured->load : nullptr;
}

void Replica::each_at(
    const IpAddress& ip,
    const std::function<void(const std::string&, const std::string&)>& use) const {
  by_address_.each_at(ip, [&](const GroupKey& key) { use(key.first, key.second); });
}

// `key` is the one in groups_.
void Replica::set_address(const GroupKey& key, GroupEntry& group,
                          const std::optional<IpAddress>& ip) {
  if (group.ip == ip) return;
  if (group.ip) by_address_.remove(*group.ip, key);
  if (ip) by_address_.add(*ip, key);
  group.ip = ip;
}

std::int64_t Replica::moved_ms(const std::string& app, const std::string& device) const {
  const auto it = groups_.find({app, device});
  return it == groups_.end() ? 0 : it->second.moved_ms;
}

void Replica::set_strategies(std::string dispatcher, Strategy standard) {
  dispatcher_ = std::move(dispatcher);
  standard_ = standard;
}

const std::string& Replica::served_by(const std::string& app_d_id) const {
  const auto app = apps_.find(app_d_id);
  if (dispatcher_.empty() || app == apps_.end()) return app_d_id;
  return strategy_of(app->second) == Strategy::kDispatching ? dispatcher_ : app_d_id;
}

std::map<std::string, std::string> Replica::dispatched() const {
  std::map<std::string, std::string> result;
  for (const auto& [id, app] : apps_) {
    if (const auto& by = served_by(id); by != id) result.emplace(id, by);
  }
  return result;
}

Replica::Effect Replica::put_app(const App& app) {
  const auto& id = app.info.app_d_id;
  const bool known = apps_.contains(id);
  const auto before = served_by(id);
  apps_[id] = app;
  return known && before != served_by(id) ? Effect::kLarge : Effect::kNothing;
}

Replica::Effect Replica::put_context(const ContextPlace& context, std::int64_t now_ms) {
  const GroupKey key{served_by(context.app_d_id), context.dev_app_id};
  const auto known = contexts_.find(context.context_id);
  if (known != contexts_.end() && known->second.group != key) end_context(context.context_id);
  auto [it, fresh] = groups_.try_emplace(key);
  auto& group = it->second;
  if (const auto before = groups_before_.find(key); fresh && before != groups_before_.end()) {
    group.host_id = before->second.host_id;
    group.moved_ms = before->second.moved_ms;
  }
  const auto& host_id = *host_ids_.insert(context.host_id).first;
  if (contexts_.insert_or_assign(context.context_id, ContextEntry{key, &host_id}).second) {
    ++group.contexts;
  }
  const bool moved =
      !group.host_id.empty() && !context.host_id.empty() && group.host_id != context.host_id;
  if (moved) group.moved_ms = now_ms;
  group.host_id = context.host_id;
  const auto ip = IpAddress::parse(context.client_ip);
  auto place = context.app_location ? places_.get(*context.app_location) : nullptr;
  const bool elsewhere = !fresh && (!(group.ip == ip) || group.place != place);
  set_address(it->first, group, ip);
  group.place = std::move(place);
  return elsewhere ? Effect::kSmall : Effect::kNothing;
}

void Replica::end_context(const std::string& context_id) {
  const auto known = contexts_.find(context_id);
  if (known == contexts_.end()) return;
  const auto group = groups_.find(known->second.group);
  if (group != groups_.end() && --group->second.contexts == 0) {
    set_address(group->first, group->second, std::nullopt);
    groups_.erase(group);
  }
  contexts_.erase(known);
}

Replica::Effect Replica::put_row(const Association& row) {
  const RowKey key{row.app_d_id, row.ue.text()};
  const auto before = remove_row(key);
  rows_[key] = row;
  if (!is_pin(row)) return before;
  pins_[row.app_d_id][row.ue.prefix.length][row.ue.prefix.address.bytes()] = key;
  return Effect::kLarge;
}

Replica::Effect Replica::remove_row(const RowKey& key) {
  const auto row = rows_.find(key);
  if (row == rows_.end()) return Effect::kNothing;
  const bool bound = is_pin(row->second);
  if (bound) {
    const auto& prefix = row->second.ue.prefix;
    pins_[key.first][prefix.length].erase(prefix.address.bytes());
  }
  rows_.erase(row);
  return bound ? Effect::kLarge : Effect::kNothing;
}

const Association* Replica::pin_at(const std::string& app,
                                   const std::optional<IpAddress>& ip) const {
  const auto pins = pins_.find(app);
  if (pins == pins_.end() || !ip) return nullptr;
  for (const auto& [length, by_address] : pins->second) {
    const auto pin = by_address.find(ip->masked(length).bytes());
    if (pin != by_address.end()) return &rows_.at(pin->second);
  }
  return nullptr;
}

const Association* Replica::pin_of(const std::string& app, const std::string& device) const {
  const auto group = groups_.find({app, device});
  return group == groups_.end() ? nullptr : pin_at(app, group->second.ip);
}

void Replica::begin_again() {
  hosts_before_ = std::exchange(hosts_, {});
  by_address_.clear();
  groups_before_ = std::exchange(groups_, {});
  apps_.clear();
  contexts_.clear();
  host_ids_.clear();
  rows_.clear();
  pins_.clear();
}

Snapshot Replica::snapshot(const Topology& topology, const OptimizerOptions& options,
                           std::int64_t now_ms) const {
  return SnapshotBuilder(*this, topology, options, now_ms).build();
}

}  // namespace mx2::optimizer
