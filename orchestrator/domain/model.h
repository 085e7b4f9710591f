// What the orchestrator decides from: catalogue, hosts with their instances, and the table.
//
// Model is a plain value with the rules of consistency (what refers to what). LiveModel shares one
// between threads: any thread reads, only the store writer changes it, after the change is durable.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/base/result.h"
#include "api/geo/location.h"
#include "api/mec/app_package.h"
#include "api/operator/types.h"
#include "orchestrator/domain/table.h"

namespace mx2 {

// Apps of strategy `dispatching` are called through the dispatchers, which are an app themselves.
struct Dispatching {
  std::string dispatcher;    // its appDId; empty: there are none
  bool is_standard = false;  // also apps that name no strategy
};

struct CatalogueEntry {
  App app;
  bool dispatched = false;
  bool offered = true;  // to device applications: enabled, and not the dispatchers
  PreparedLocation::Offer locations;
};

struct HostEntry {
  Host host;
  PreparedLocation::Offer service_area;
  std::unordered_map<std::string, std::vector<std::size_t>> instances_of;  // appDId -> indexes

  // The instance that serves a UE: of several each serves its share, and when one comes or goes,
  // only UEs of that one change (rendezvous hashing, Thaler and Ravishankar 1998). Null: none.
  [[nodiscard]] const AppInstance* instance(const std::string& app_d_id,
                                            std::string_view dev_app_id) const;
};

// How a request names an application. Empty optional: not given.
struct AppReference {
  std::optional<std::string> app_d_id;
  std::string app_name;
  std::string app_provider;
  std::optional<std::string> app_d_version;
  std::optional<std::string> app_soft_version;
};

class Model {
 public:
  // Changes that were checked before. put_* returns invalid_argument for a location that is no
  // polygon, and then changes nothing. `prepared`: its locations, if they have been prepared
  // already, elsewhere; those that are the same as before are kept.
  Result<void> put_app(const App& app, PreparedLocation::Offer prepared = {});
  void remove_app(const std::string& app_d_id);
  Result<void> put_host(const Host& host, PreparedLocation::Offer prepared = {});
  void remove_host(const std::string& id);
  void set_reachable(const std::string& host_id, bool reachable);
  void apply(const TableChange& change);
  void put_package(const Package& package);
  void remove_package(const std::string& id);
  void put_package_subscription(const PackageSubscription& subscription) {
    package_subscriptions_[subscription.id] = subscription;
  }
  void remove_package_subscription(const std::string& id) { package_subscriptions_.erase(id); }
  void set_table_version(std::uint64_t version) { table_version_ = version; }
  // Before the first app.
  void use(Dispatching dispatching) { dispatching_ = std::move(dispatching); }
  // The same with an empty table: to try rows on.
  [[nodiscard]] Model without_rows() const;
  // Counts every change; a decision remembers it to notice that it has become old.
  void bump() { ++generation_; }

  // Checks, without changing anything. conflict or invalid_argument with the reason.
  [[nodiscard]] Result<void> check(const TableChange& change) const;
  [[nodiscard]] Result<void> check_removal_of_app(const std::string& app_d_id) const;
  [[nodiscard]] Result<void> check_removal_of_host(const std::string& id) const;
  [[nodiscard]] Result<void> check_host(const Host& host) const;

  [[nodiscard]] const CatalogueEntry* app(const std::string& app_d_id) const;
  // The catalogue entry a request means, of those that are `usable`; nothing when there is none, an
  // error when an appDId contradicts the other attributes. Several match: the last by appDVersion,
  // then by appSoftVersion.
  [[nodiscard]] Result<const CatalogueEntry*> resolve(
      const AppReference& reference,
      const std::function<bool(const CatalogueEntry&)>& usable) const;
  [[nodiscard]] const HostEntry* host(const std::string& id) const;
  // not_found, with a suggestion.
  [[nodiscard]] Error no_host(const std::string& id) const;
  [[nodiscard]] const std::map<std::string, CatalogueEntry>& apps() const { return apps_; }
  [[nodiscard]] const std::map<std::string, HostEntry>& hosts() const { return hosts_; }
  // Whether λ of the app can be started at all: it has a package that is enabled.
  [[nodiscard]] bool is_packaged(const std::string& app_d_id) const;
  // Whether one could be started there: a MEPM serves the host, which has the package's
  // architecture (label "arch", as far as it has one), and has not failed to lately.
  [[nodiscard]] bool can_start(const HostEntry& host, const std::string& app_d_id) const;
  // The app whose rows and instances serve an app's clients: itself, or the dispatchers.
  [[nodiscard]] const std::string& served_by(const std::string& app_d_id) const;
  // Apps whose clients an app serves: itself, or of the dispatchers those that they dispatch.
  [[nodiscard]] std::vector<std::string> serves(const std::string& app_d_id) const;
  // The service areas of all hosts that have one.
  [[nodiscard]] std::vector<PreparedLocation::Offer> service_areas() const;
  // Hosts that list an instance of the app, by identifier.
  [[nodiscard]] const std::set<std::string>& hosts_of(const std::string& app_d_id) const;

  [[nodiscard]] const Package* package(const std::string& id) const;
  // The on-boarded package of an app. Its app can be instantiated if it is also enabled.
  [[nodiscard]] const Package* package_of(const std::string& app_d_id) const;
  [[nodiscard]] const std::map<std::string, Package>& packages() const { return packages_; }
  [[nodiscard]] const std::map<std::string, PackageSubscription>& package_subscriptions() const {
    return package_subscriptions_;
  }

  [[nodiscard]] const Table& table() const { return table_; }
  [[nodiscard]] std::uint64_t table_version() const { return table_version_; }
  [[nodiscard]] std::uint64_t generation() const { return generation_; }

 private:
  void unlist_instances(const HostEntry& entry);

  std::map<std::string, CatalogueEntry> apps_;
  std::map<std::string, HostEntry> hosts_;
  std::unordered_map<std::string, std::set<std::string>> hosts_of_;
  std::map<std::pair<std::string, std::string>, std::set<std::string>> by_name_;
  std::map<std::string, Package> packages_;
  std::unordered_map<std::string, std::string> package_of_;  // appDId -> id, on-boarded ones
  std::map<std::string, PackageSubscription> package_subscriptions_;
  Dispatching dispatching_;
  Table table_;
  std::uint64_t table_version_ = 0;
  std::uint64_t generation_ = 0;
};

class LiveModel {
 public:
  template <typename F>
  auto read(F&& use) const {
    const std::shared_lock lock(mutex_);
    return use(model_);
  }
  // Store writer only.
  template <typename F>
  auto write(F&& change) {
    const std::unique_lock lock(mutex_);
    model_.bump();
    return change(model_);
  }
  // Store writer only: nobody else changes it, so no lock is needed to look.
  [[nodiscard]] const Model& unlocked() const { return model_; }

 private:
  mutable std::shared_mutex mutex_;
  Model model_;
};

}  // namespace mx2
