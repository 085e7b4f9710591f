#include "optimizer/topology_view.h"

#include <algorithm>
#include <set>

#include "api/base/clock.h"
#include "api/base/units.h"
#include "optimizer/feasibility.h"
#include "optimizer/moves.h"

namespace mx2::optimizer {
namespace {

void add_latency(json::Value& out, const char* name, std::int32_t us) {
  if (us >= 0) out[name] = us / kUsPerMs;
  if (us == LatencyMatrix::kUnreachable) out["reachable"] = false;
}

class View {
 public:
  View(const Snapshot& snapshot, const TopologyFilter& filter)
      : snapshot_(snapshot), filter_(filter), feasible_(snapshot) {}

  void add_groups(const Placement& placement) {
    for (std::size_t i = 0; i < snapshot_.groups.size(); ++i) {
      const auto& group = snapshot_.groups[i];
      const auto& ue = (*snapshot_.ue)[i];
      seen_.insert(ue);
      const bool row_only = group.contexts == 0 && end_of_ue(snapshot_, i) > i + 1;
      if (row_only) continue;  // shown where it is
      if (!wants(ue) || (!filter_.app.empty() && snapshot_.apps[group.app].id != filter_.app)) {
        continue;
      }
      if (++total_ > filter_.limit) continue;
      auto item = at_attachment(ue, group.attachment);
      item["app"] = snapshot_.apps[group.app].id;
      const auto host = placement.host_of_group[i];
      if (host != kNone) {
        item["host"] = snapshot_.hosts[host].id;
        add_latency(item, "latencyMs", snapshot_.latency.at(group.attachment, host));
      }
      add_best(item, group.attachment,
               [&](Index h) { return h == host || feasible_.may_enter(group, h); });
      ues_.push_back(std::move(item));
    }
  }

  // Those that have no context.
  void add_devices(const TopologySource& source) {
    for (const auto& device : source.devices()) {
      const auto ue = "dev:" + device.device;
      if (seen_.contains(ue) || !wants(ue) || !filter_.app.empty()) continue;
      if (++total_ > filter_.limit) continue;
      auto item = at_attachment(ue, find_attachment(snapshot_, device.attachment));
      item["attachment"] = device.attachment;
      add_best(item, find_attachment(snapshot_, device.attachment), [](Index) { return true; });
      ues_.push_back(std::move(item));
    }
  }

  void finish(json::Value& out) {
    std::stable_sort(ues_.begin(), ues_.end(), [](const json::Value& a, const json::Value& b) {
      return a["ue"].get_ref<const std::string&>() < b["ue"].get_ref<const std::string&>();
    });
    out["total"] = total_;
    out["ues"] = std::move(ues_);
  }

 private:
  [[nodiscard]] bool wants(const std::string& ue) const {
    return filter_.ue.empty() || ue == filter_.ue || ue == "dev:" + filter_.ue;
  }

  [[nodiscard]] json::Value at_attachment(const std::string& ue, Index attachment) const {
    json::Value item{{"ue", ue}};
    if (attachment == kNone) return item;
    item["attachment"] = snapshot_.attachments[attachment].name;
    item["connected"] = snapshot_.attachments[attachment].connected;
    return item;
  }

  template <typename May>
  void add_best(json::Value& item, Index attachment, May may) const {
    const auto latency = [&](Index h) { return snapshot_.latency.at(attachment, h); };
    const auto best = least_host(
        snapshot_, [&](Index h) { return latency(h) >= 0 && may(h); }, latency);
    if (best == kNone) return;
    item["best"] = snapshot_.hosts[best].id;
    add_latency(item, "bestMs", latency(best));
  }

  const Snapshot& snapshot_;
  const TopologyFilter& filter_;
  const Feasibility feasible_;
  std::set<std::string> seen_;
  std::uint64_t total_ = 0;
  json::Value ues_ = json::Value::array();
};

}  // namespace

json::Value source_json(const TopologySource& source) {
  const auto state = source.state();
  json::Value out{{"kind", state.kind},
                  {"name", state.name},
                  {"state", state.read_ms == 0 ? "none"
                            : state.live       ? "live"
                                               : "stale"},
                  {"subscribed", state.subscribed},
                  {"problems", state.problems}};
  if (!state.error.empty()) out["error"] = state.error;
  if (state.read_ms != 0) out["read"] = format_utc(state.read_ms);
  return out;
}

std::vector<std::string> hosts_without_place(const Snapshot& snapshot) {
  std::vector<std::string> ids;
  for (const auto& host : snapshot.hosts) {
    if (!host.has_place) ids.push_back(host.id);
  }
  return ids;
}

void add_hosts_without_place(json::Value& out, const std::vector<std::string>& hosts) {
  if (hosts.empty()) return;
  auto& told = out["hostsWithoutPlace"] = json::Value::array();
  for (std::size_t i = 0; i < std::min(hosts.size(), kHostsToldMax); ++i) told.push_back(hosts[i]);
}

json::Value topology_json(const Status::Decided& decided, const TopologySource* source,
                          const TopologyFilter& filter) {
  json::Value out{{"source", {{"kind", "file"}, {"state", "live"}}},
                  {"total", 0},
                  {"ues", json::Value::array()}};
  if (source != nullptr) out["source"] = source_json(*source);
  if (!decided.decision) return out;
  out["planned"] = format_utc(decided.wall_ms);
  add_hosts_without_place(out, hosts_without_place(decided.decision->snapshot));
  View view(decided.decision->snapshot, filter);
  view.add_groups(decided.decision->placement);
  if (filter.all && source != nullptr) view.add_devices(*source);
  view.finish(out);
  return out;
}

}  // namespace mx2::optimizer
