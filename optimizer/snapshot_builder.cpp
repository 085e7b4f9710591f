#include "optimizer/snapshot_builder.h"

#include <algorithm>
#include <cmath>

#include "api/base/units.h"
#include "optimizer/feasibility.h"

namespace mx2::optimizer {
namespace {

constexpr double kKmPerDegree = 111;  // of latitude, not more
constexpr double kMeasuredMsMax = 1'000'000;
const TopologyHost kNoHost;
const TopologyApp kNoApp;

template <typename Map, typename Value>
const Value& find_or(const Map& map, const std::string& key, const Value& other) {
  const auto it = map.find(key);
  return it == map.end() ? other : it->second;
}

HostStatus status_of(const Host& host) { return host.is_down() ? HostStatus::kDown : host.state; }

std::string key_of(const IpAddress& address) {
  return {address.bytes().begin(), address.bytes().end()};
}

template <typename Which>
bool has_instance(const Host& host, const std::string& app_d_id, Which which) {
  return std::any_of(host.instances.begin(), host.instances.end(),
                     [&](const AppInstance& i) { return i.app_d_id == app_d_id && which(i); });
}

// Of an app that life-cycle management runs somewhere: whether it could do so there, too.
bool can_start(const Host& host, const std::string& app_d_id) {
  const auto& unable = host.unable;
  return !host.mepm_uri.empty() &&
         std::find(unable.begin(), unable.end(), app_d_id) == unable.end();
}

using Names = std::unordered_map<std::string, Index>;

Names index_of(const std::vector<std::string>& names) {
  Names index;
  index.reserve(names.size());
  for (Index i = 0; i < names.size(); ++i) index.emplace(names[i], i);
  return index;
}

// What a topology says of latencies, by index of a snapshot's attachments and hosts.
class GivenLatency {
 public:
  GivenLatency(const Topology& topology, const Snapshot& snapshot)
      : topology_(topology), snapshot_(snapshot) {
    const auto rows = index_of(topology.computed.attachments);
    const auto columns = index_of(topology.computed.hosts);
    for (const auto& attachment : snapshot.attachments) {
      const auto it = topology.latency_us.find(attachment.name);
      rows_.push_back(it == topology.latency_us.end() ? nullptr : &it->second);
      computed_rows_.push_back(find_or(rows, attachment.name, kNone));
    }
    for (const auto& host : snapshot.hosts) {
      computed_columns_.push_back(find_or(columns, host.id, kNone));
    }
  }

  // kUnknown where it says nothing of a host that has a place in it; kUnreachable without.
  [[nodiscard]] std::int32_t us(Index attachment, Index host) const {
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

 private:
  const Topology& topology_;
  const Snapshot& snapshot_;
  std::vector<const std::map<std::string, std::int32_t>*> rows_;  // of each attachment; null: none
  std::vector<Index> computed_rows_;                              // likewise; kNone: none
  std::vector<Index> computed_columns_;                           // of each host
};

}  // namespace

Snapshot SnapshotBuilder::build() {
  snapshot_.cost = options_.cost;
  add_hosts();
  add_apps();
  add_attachments();
  add_latencies();
  add_off_tree();
  add_groups();
  weigh_by_request();
  add_background();
  snapshot_.attachment_index =
      std::make_shared<const std::unordered_map<std::string, Index>>(std::move(attachment_index_));
  return std::move(snapshot_);
}

Index SnapshotBuilder::host_index(const std::string& id) const {
  return find_or(host_index_, id, kNone);
}

HostModel SnapshotBuilder::host_model(const Replica::HostEntry& entry) const {
  const auto& extra = find_or(topology_.hosts, entry.host.id, kNoHost);
  const HostTerms& terms = extra;
  HostModel model;
  static_cast<HostTerms&>(model) = terms;
  model.id = entry.host.id;
  model.zone = entry.host.zone;
  model.labels = entry.host.labels;
  model.status = status_of(entry.host);
  // Who measures how far it is from somewhere is there.
  const bool measures = entry.measured && !entry.measured->load.latency_ms.empty();
  model.has_place = measures || placed_.contains(entry.host.id);
  model.capacity = extra.capacity.value_or(options_.host.capacity);
  model.ready_capacity = model.capacity;
  model.cores = extra.cores.value_or(options_.host.cores);
  model.service_us = extra.service_us.value_or(options_.host.service_us);
  model.up_since_ms = entry.up_since_ms;
  if (const auto* load = load_of_host(entry)) set_measured(model, *load, options_.measurement);
  return model;
}

void SnapshotBuilder::add_hosts() {
  for (const auto& [id, entry] : replica_.hosts_) {
    host_index_.emplace(id, static_cast<Index>(snapshot_.hosts.size()));
    snapshot_.hosts.push_back(host_model(entry));
  }
  for (auto& host : snapshot_.hosts) {
    host.parent = host_index(find_or(topology_.hosts, host.id, kNoHost).parent);
  }
}

AppModel SnapshotBuilder::app_model(const App& app) const {
  const auto& id = app.info.app_d_id;
  const auto& extra = find_or(topology_.apps, id, kNoApp);
  const AppTerms& terms = extra;
  AppModel model;
  static_cast<AppTerms&>(model) = terms;
  model.id = id;
  if (model.required_latency_us == 0 && app.info.app_charcs) {
    model.required_latency_us = app.info.app_charcs->latency.value_or(0) * whole::kUsPerMs;
  }
  if (app.info.app_charcs) {
    model.memory_mb = app.info.app_charcs->memory.value_or(0);
    model.bandwidth_kbps = app.info.app_charcs->bandwidth.value_or(0);
  }
  model.in_area = hosts_in_area(app);
  const bool managed =
      std::any_of(replica_.hosts_.begin(), replica_.hosts_.end(), [&](const auto& item) {
        return has_instance(item.second.host, id, [](const auto& i) { return i.managed; });
      });
  for (const auto& [host_id, entry] : replica_.hosts_) {
    const bool runs = has_instance(entry.host, id, [](const auto&) { return true; });
    model.running.push_back(runs);
    model.instances.push_back(runs || (managed && can_start(entry.host, id)));
  }
  if (const auto* everybody = row(id, "*"); everybody != nullptr) {
    if (const auto* host = host_of(*everybody)) model.default_host = host_index(*host);
  }
  return model;
}

// A host that says nothing of where it serves may be anywhere.
std::vector<bool> SnapshotBuilder::hosts_in_area(const App& app) const {
  std::vector<bool> inside;
  const auto locations = prepare(app.info.app_location);
  if (!locations || locations->empty()) return inside;
  for (const auto& [id, entry] : replica_.hosts_) {
    const auto& serves = entry.service_area;
    inside.push_back(serves.empty() || std::any_of(serves.begin(), serves.end(),
                                                   [&](const PreparedLocation& location) {
                                                     return location.matches_any(*locations);
                                                   }));
  }
  return inside;
}

void SnapshotBuilder::add_apps() {
  for (const auto& [id, app] : replica_.apps_) snapshot_.apps.push_back(app_model(app));
}

void SnapshotBuilder::add_attachments() {
  snapshot_.attachments = topology_.attachments;
  for (Index a = 0; a < snapshot_.attachments.size(); ++a) {
    const auto& attachment = snapshot_.attachments[a];
    attachment_index_.emplace(attachment.name, a);
    if (attachment.position) latitudes_.emplace_back(attachment.position->latitude, a);
    for (const auto& device : attachment.devices) device_attachment_.emplace(device, a);
    for (const auto& prefix : attachment.prefixes) {
      prefixes_[prefix.length].emplace(key_of(prefix.address), a);
    }
  }
  for (const auto& [device, attachment] : topology_.moved) {
    const auto a = find_or(attachment_index_, attachment, kNone);
    if (a != kNone) device_attachment_[device] = a;
  }
  for (const auto& [text, attachment] : topology_.moved_addresses) {
    const auto a = find_or(attachment_index_, attachment, kNone);
    const auto address = IpAddress::parse(text);
    if (a != kNone && address) prefixes_[IpPrefix().length][key_of(*address)] = a;
  }
  std::sort(latitudes_.begin(), latitudes_.end());
}

std::int32_t SnapshotBuilder::distance_us(const Attachment& attachment,
                                          const HostModel& host) const {
  if (!attachment.position || !host.position) return LatencyMatrix::kUnknown;
  return latency_of_distance(options_.distance, host.tier,
                             distance_km(*attachment.position, *host.position));
}

void SnapshotBuilder::add_latencies() {
  snapshot_.latency = LatencyMatrix(snapshot_.attachments.size(), snapshot_.hosts.size());
  const GivenLatency given(topology_, snapshot_);
  for (Index a = 0; a < snapshot_.attachments.size(); ++a) {
    for (Index h = 0; h < snapshot_.hosts.size(); ++h) {
      auto us = given.us(a, h);
      if (us == LatencyMatrix::kUnknown) {
        us = distance_us(snapshot_.attachments[a], snapshot_.hosts[h]);
      }
      snapshot_.latency.set(a, h, us);
    }
  }
  for (const auto& [id, entry] : replica_.hosts_) {
    const auto* load = load_of_host(entry);
    if (load == nullptr) continue;
    for (const auto& [attachment, ms] : load->latency_ms) {
      const auto a = find_or(attachment_index_, attachment, kNone);
      const auto us = std::min(ms, kMeasuredMsMax) * whole::kUsPerMs;
      if (a != kNone) snapshot_.latency.set(a, host_index(id), static_cast<std::int32_t>(us));
    }
  }
}

// The home of an attachment is its nearest edge host, up or not; above it are its parent, the
// parent's parent and so on. Hosts that are nobody's parent are outside of the tree: not judged.
void SnapshotBuilder::add_off_tree() {
  const auto& hosts = snapshot_.hosts;
  std::vector<bool> is_parent(hosts.size());
  for (const auto& host : hosts) {
    if (host.parent != kNone) is_parent[host.parent] = true;
  }
  if (std::find(is_parent.begin(), is_parent.end(), true) == is_parent.end()) return;
  snapshot_.off_tree.assign(snapshot_.attachments.size() * hosts.size(), false);
  for (Index a = 0; a < snapshot_.attachments.size(); ++a) {
    const auto latency = [&](Index h) { return snapshot_.latency.at(a, h); };
    const auto may_be = [&](Index h) {
      return hosts[h].tier == Tier::kEdge && hosts[h].parent != kNone && latency(h) >= 0;
    };
    const auto home = least_host(snapshot_, may_be, latency);
    if (home == kNone) continue;
    auto above = is_parent;
    for (auto h = hosts[home].parent; h != kNone && above[h]; h = hosts[h].parent) above[h] = false;
    for (Index h = 0; h < hosts.size(); ++h) {
      snapshot_.off_tree[a * hosts.size() + h] = above[h] && hosts[h].tier != Tier::kEdge;
    }
  }
}

void SnapshotBuilder::weigh_by_request() {
  std::vector<RequestCount> counts(snapshot_.apps.size());
  std::vector<std::int64_t> at(snapshot_.apps.size() * snapshot_.hosts.size());
  for (const auto& group : snapshot_.groups) {
    if (group.host != kNone) at[group.app * snapshot_.hosts.size() + group.host] += group.contexts;
  }
  for (const auto& [id, entry] : replica_.hosts_) {
    const auto* load = load_of_host(entry);
    if (load == nullptr) continue;
    for (Index a = 0; a < counts.size(); ++a) {
      const auto of_app =
          std::find_if(load->apps.begin(), load->apps.end(), [&](const AppLoad& app) {
            return app.app_d_id == snapshot_.apps[a].id && app.request_rate;
          });
      if (of_app == load->apps.end()) continue;
      counts[a].rate += *of_app->request_rate;
      counts[a].contexts += at[a * snapshot_.hosts.size() + host_index(id)];
    }
  }
  for (Index a = 0; a < counts.size(); ++a) {
    auto& app = snapshot_.apps[a];
    const bool by_request = find_or(topology_.apps, app.id, kNoApp).weight_by_request;
    if (!by_request) continue;
    app.request_weight = app.weight;
    app.weight = weight_by_request(app.weight, counts[a]);
  }
}

void SnapshotBuilder::add_background() {
  std::vector<std::int64_t> ours(snapshot_.hosts.size());
  for (const auto& group : snapshot_.groups) {
    if (group.host != kNone) ours[group.host] += load_of(snapshot_, group);
  }
  for (const auto& [id, entry] : replica_.hosts_) {
    const auto h = host_index(id);
    const auto* load = load_of_host(entry);
    if (load != nullptr) set_background(snapshot_.hosts[h], *load, ours[h], options_.measurement);
  }
}

Index SnapshotBuilder::attachment_of(const std::string& device,
                                     const std::optional<IpAddress>& ip) const {
  const auto named = device_attachment_.find(device);
  if (named != device_attachment_.end()) return named->second;
  if (!ip) return kNone;
  for (const auto& [length, attachments] : prefixes_) {
    const auto it = attachments.find(key_of(ip->masked(length)));
    if (it != attachments.end()) return it->second;
  }
  return kNone;
}

// Goes away from the position's latitude both ways, as long as the latitude alone is not too far.
Index SnapshotBuilder::nearest_attachment(const Position& position) const {
  Index nearest = kNone;
  auto least = static_cast<double>(options_.location_km_max);
  const auto look = [&](const std::pair<double, Index>& entry) {
    const auto [latitude, a] = entry;
    if (std::abs(latitude - position.latitude) * kKmPerDegree > least) return false;
    const auto km = distance_km(*snapshot_.attachments[a].position, position);
    const bool nearer = km < least || (km == least && (nearest == kNone || a < nearest));
    if (nearer) {
      nearest = a;
      least = km;
    }
    return true;
  };
  const auto middle = std::lower_bound(latitudes_.begin(), latitudes_.end(),
                                       std::pair(position.latitude, Index{0}));
  for (auto it = middle; it != latitudes_.end() && look(*it);) ++it;
  for (auto it = std::make_reverse_iterator(middle); it != latitudes_.rend() && look(*it);) ++it;
  return nearest;
}

// The orchestrator's own rule: a host without service area serves no request that names a location.
Index SnapshotBuilder::area_of(const PreparedLocation& location) {
  std::vector<bool> serves;
  serves.reserve(replica_.hosts_.size());
  for (const auto& [id, entry] : replica_.hosts_) {
    serves.push_back(location.matches_any(entry.service_area));
  }
  const auto [it, fresh] =
      area_index_.emplace(std::move(serves), static_cast<Index>(snapshot_.areas.size()));
  if (fresh) snapshot_.areas.push_back(it->first);
  return it->second;
}

SnapshotBuilder::Whereabouts SnapshotBuilder::whereabouts(const PlacePtr& place) {
  if (!place) return {};
  const auto [it, fresh] = whereabouts_.try_emplace(place.get());
  if (!fresh) return it->second;
  if (place->centre) it->second.attachment = nearest_attachment(*place->centre);
  if (place->location) it->second.area = area_of(*place->location);
  return it->second;
}

const std::string* SnapshotBuilder::host_of(const Association& row) {
  const auto& target = row.targets.front();
  return target.kind == Target::Kind::kHost ? &target.value : nullptr;
}

const Association* SnapshotBuilder::row(const std::string& app, const std::string& ue) const {
  const auto it = replica_.rows_.find({app, ue});
  return it == replica_.rows_.end() ? nullptr : &it->second;
}

}  // namespace mx2::optimizer
