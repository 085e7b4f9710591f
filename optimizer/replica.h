// What the orchestrator holds, as far as planning needs it: filled from its lists, kept up to date
// from its change feed (all operations are idempotent), and turned into a Snapshot.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "api/base/ip.h"
#include "api/operator/types.h"
#include "optimizer/address_index.h"
#include "optimizer/measurement.h"
#include "optimizer/options.h"
#include "optimizer/places.h"

namespace mx2::optimizer {

class Replica {
 public:
  Replica() = default;
  Replica(const Replica&) = delete;  // the index by address points to its groups
  Replica& operator=(const Replica&) = delete;

  using RowKey = std::pair<std::string, std::string>;  // appDId, selector

  // What a change is to a plan.
  enum class Effect : std::uint8_t { kNothing, kSmall, kLarge };

  // Large when it changes who may be served there.
  Effect put_host(const Host& host, std::int64_t now_ms);
  // Of a host that is not known it is dropped.
  void put_load(const std::string& host, const HostLoad& load, std::int64_t now_ms);
  void remove_host(const std::string& id) { hosts_.erase(id); }
  // Contexts of apps of strategy `dispatching` count as the dispatchers' (docs/guide-operators.md),
  // those of `baseline` where they are. `standard`: of apps that name none. Before the apps.
  void set_strategies(std::string dispatcher, Strategy standard);
  // Large when contexts that are known belong to another app's rows now: all should be read anew.
  Effect put_app(const App& app);
  void remove_app(const std::string& id) { apps_.erase(id); }
  // Small when the UE is known and comes from another address, or asks for another location, now.
  Effect put_context(const ContextPlace& context, std::int64_t now_ms);
  void end_context(const std::string& context_id);
  // Large when it is an operator's for a prefix: it binds everybody there.
  Effect put_row(const Association& row);
  Effect remove_row(const RowKey& key);

  // Forgets what a new reading of the lists will bring, but not when hosts and contexts changed.
  void begin_again();

  [[nodiscard]] const std::map<RowKey, Association>& rows() const { return rows_; }
  // What the host has reported last; null if nothing.
  [[nodiscard]] const HostLoad* load(const std::string& host) const;
  // Has the device application a context of the app?
  [[nodiscard]] bool has_contexts(const std::string& app, const std::string& device) const {
    return groups_.contains({app, device});
  }
  // The operator's row for a prefix that binds the device application's contexts of the app: the
  // longest. Null if there is none.
  [[nodiscard]] const Association* pin_of(const std::string& app, const std::string& device) const;
  // The apps and device applications whose contexts come from the address, in this order.
  void each_at(
      const IpAddress& ip,
      const std::function<void(const std::string& app, const std::string& device)>& use) const;
  // When they changed hosts last; 0: long ago, or there are none.
  [[nodiscard]] std::int64_t moved_ms(const std::string& app, const std::string& device) const;
  [[nodiscard]] std::size_t contexts() const { return contexts_.size(); }
  [[nodiscard]] std::size_t hosts() const { return hosts_.size(); }

  // The apps whose contexts count as the dispatchers', and the dispatchers' appDId.
  [[nodiscard]] std::map<std::string, std::string> dispatched() const;

  // Contexts that only an operator's literal endpoint serves are not in it.
  [[nodiscard]] Snapshot snapshot(const Topology& topology, const OptimizerOptions& options,
                                  std::int64_t now_ms) const;

 private:
  friend class SnapshotBuilder;

  struct HostEntry {
    Host host;
    std::vector<PreparedLocation> service_area;
    std::int64_t up_since_ms = 0;  // 0: since before we looked
    std::optional<Measured> measured;
  };
  struct GroupEntry {
    std::uint32_t contexts = 0;
    std::string host_id;
    std::optional<IpAddress> ip;  // of the context told last, as the next
    PlacePtr place;               // null: anywhere
    std::int64_t moved_ms = 0;
  };
  using GroupKey = std::pair<std::string, std::string>;  // appDId, associateDevAppId
  struct ContextEntry {
    GroupKey group;
    const std::string* host_id = nullptr;  // in host_ids_
  };
  [[nodiscard]] Strategy strategy_of(const App& app) const {
    return app.strategy.value_or(standard_);
  }
  [[nodiscard]] const std::string& served_by(const std::string& app_d_id) const;
  [[nodiscard]] const Association* pin_at(const std::string& app,
                                          const std::optional<IpAddress>& ip) const;
  void set_address(const GroupKey& key, GroupEntry& group, const std::optional<IpAddress>& ip);

  std::string dispatcher_;
  Strategy standard_ = Strategy::kNotification;
  Places places_;
  std::map<std::string, HostEntry> hosts_;
  std::map<std::string, App> apps_;
  std::map<GroupKey, GroupEntry> groups_;
  AddressIndex<GroupKey> by_address_;  // of groups_
  std::unordered_map<std::string, ContextEntry> contexts_;
  std::set<std::string> host_ids_;  // that contexts have been at
  std::map<RowKey, Association> rows_;
  // Rows of operators for prefixes: by app and length, the longest first, then by address.
  using PinsByAddress = std::map<std::array<std::uint8_t, 16>, RowKey>;
  std::map<std::string, std::map<int, PinsByAddress, std::greater<>>> pins_;
  std::map<std::string, HostEntry> hosts_before_;
  std::map<GroupKey, GroupEntry> groups_before_;
};

}  // namespace mx2::optimizer
