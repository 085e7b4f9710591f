// Joins the replica with the topology. Internal to replica.cpp; the groups are in
// snapshot_groups.cpp.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "optimizer/replica.h"

namespace mx2::optimizer {

class SnapshotBuilder {
 public:
  SnapshotBuilder(const Replica& replica, const Topology& topology, const OptimizerOptions& options,
                  std::int64_t now_ms)
      : replica_(replica),
        topology_(topology),
        options_(options),
        now_ms_(now_ms),
        placed_(topology) {}

  Snapshot build();

 private:
  void add_hosts();
  void add_apps();
  void add_attachments();
  void add_latencies();
  void add_off_tree();
  void add_groups();
  void weigh_by_request();
  void add_background();
  [[nodiscard]] const HostLoad* load_of_host(const Replica::HostEntry& entry) const {
    return recent(entry.measured, options_.measurement, now_ms_);
  }
  [[nodiscard]] HostModel host_model(const Replica::HostEntry& entry) const;
  [[nodiscard]] AppModel app_model(const App& app) const;
  [[nodiscard]] std::int32_t distance_us(const Attachment& attachment, const HostModel& host) const;
  // Of a place: where it is near to, and which hosts serve it.
  struct Whereabouts {
    Index attachment = kNone;
    Index area = kNone;
  };
  [[nodiscard]] Index attachment_of(const std::string& device,
                                    const std::optional<IpAddress>& ip) const;
  [[nodiscard]] Index nearest_attachment(const Position& position) const;
  [[nodiscard]] Whereabouts whereabouts(const PlacePtr& place);
  [[nodiscard]] Index area_of(const PreparedLocation& location);
  [[nodiscard]] std::vector<bool> hosts_in_area(const App& app) const;
  [[nodiscard]] Index host_index(const std::string& id) const;
  [[nodiscard]] const Association* row(const std::string& app, const std::string& ue) const;
  // The host a row leads to; null for a literal endpoint.
  [[nodiscard]] static const std::string* host_of(const Association& row);
  [[nodiscard]] Index host_of_pin(const Association& pin) const;
  void add_group(const Replica::GroupKey& key, const Group& group);
  void count_staying();
  [[nodiscard]] Index host_of_newcomers(const Replica::GroupKey& key, const Group& group) const;
  void add_staying(const Replica::GroupKey& key, Group row,
                   const std::map<Index, std::uint32_t>& contexts);
  [[nodiscard]] Group group_of(const Replica::GroupKey& key, const Replica::GroupEntry& entry,
                               Index app);

  const Replica& replica_;
  const Topology& topology_;
  const OptimizerOptions& options_;
  const std::int64_t now_ms_;
  const Placed placed_;
  Snapshot snapshot_;
  std::unordered_map<std::string, Index> host_index_;
  std::unordered_map<std::string, Index> attachment_index_;
  std::unordered_map<std::string, Index> device_attachment_;
  // By length, the longest first: the 16 bytes of the prefix -> attachment.
  std::map<int, std::unordered_map<std::string, Index>, std::greater<>> prefixes_;
  std::vector<std::pair<double, Index>> latitudes_;  // of attachments with a position, ascending
  // Contexts of strategy baseline, by UE: how many at each host.
  std::map<Replica::GroupKey, std::map<Index, std::uint32_t>> staying_;
  std::shared_ptr<std::vector<std::string>> names_ = std::make_shared<std::vector<std::string>>();
  std::unordered_map<const Place*, Whereabouts> whereabouts_;
  std::map<std::vector<bool>, Index> area_index_;
};

}  // namespace mx2::optimizer
