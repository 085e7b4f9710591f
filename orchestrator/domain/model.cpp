#include "orchestrator/domain/model.h"

#include <algorithm>

#include "api/base/text.h"

namespace mx2 {
namespace {

// "by appDVersion, last": 1.10 comes after 1.9, so numbers in it count as numbers.
bool version_less(std::string_view a, std::string_view b) {
  const auto parts_a = split(a, '.');
  const auto parts_b = split(b, '.');
  for (std::size_t i = 0; i < std::min(parts_a.size(), parts_b.size()); ++i) {
    const auto x = parse_uint(parts_a[i]);
    const auto y = parse_uint(parts_b[i]);
    if (x && y && *x != *y) return *x < *y;
    if ((!x || !y) && parts_a[i] != parts_b[i]) return parts_a[i] < parts_b[i];
  }
  return parts_a.size() < parts_b.size();
}

constexpr std::size_t kNamesMax = 1000;  // more are not compared

template <typename Map>
std::string suggestion(const std::string& word, const Map& known) {
  if (known.size() > kNamesMax) return {};
  std::vector<std::string> names;
  names.reserve(known.size());
  for (const auto& [name, entry] : known) names.push_back(name);
  return did_you_mean(word, names);
}

bool is_later(const AppInfo& a, const AppInfo& b) {
  if (a.app_d_version != b.app_d_version) return version_less(b.app_d_version, a.app_d_version);
  return version_less(b.app_soft_version, a.app_soft_version);
}

bool agrees(const AppInfo& info, const AppReference& reference) {
  return info.app_name == reference.app_name && info.app_provider == reference.app_provider &&
         (!reference.app_d_version || info.app_d_version == *reference.app_d_version) &&
         (!reference.app_soft_version || info.app_soft_version == *reference.app_soft_version);
}

std::uint64_t fnv1a(std::string_view text, std::uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

// FNV leaves neighbours near to each other: what is compared must be mixed (MurmurHash3's end).
std::uint64_t weight_of(std::string_view dev_app_id, const AppInstance& instance) {
  auto h = fnv1a(instance.app_instance_id, fnv1a(dev_app_id, 14695981039346656037ULL));
  h = (h ^ (h >> 33U)) * 0xff51afd7ed558ccdULL;
  h = (h ^ (h >> 33U)) * 0xc4ceb9fe1a85ec53ULL;
  return h ^ (h >> 33U);
}

// What is prepared of the same locations already is as good, and whoever remembers it finds it.
Result<PreparedLocation::Offer> prepare_again(const std::vector<LocationConstraints>& locations,
                                              const std::vector<LocationConstraints>* before,
                                              const PreparedLocation::Offer& prepared_before) {
  if (before != nullptr && locations == *before) return prepared_before;
  return prepare_offer(locations);
}

std::string count_of(std::size_t n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

}  // namespace

const AppInstance* HostEntry::instance(const std::string& app_d_id,
                                       std::string_view dev_app_id) const {
  const auto it = instances_of.find(app_d_id);
  if (it == instances_of.end()) return nullptr;
  if (it->second.size() == 1) return &host.instances[it->second.front()];
  return &host.instances[*std::max_element(
      it->second.begin(), it->second.end(), [&](std::size_t a, std::size_t b) {
        return weight_of(dev_app_id, host.instances[a]) < weight_of(dev_app_id, host.instances[b]);
      })];
}

Result<void> Model::put_app(const App& app, PreparedLocation::Offer prepared) {
  const auto& id = app.info.app_d_id;
  if (prepared == nullptr) {
    const auto* before = this->app(id);
    auto made = prepare_again(app.info.app_location,
                              before == nullptr ? nullptr : &before->app.info.app_location,
                              before == nullptr ? nullptr : before->locations);
    if (!made) return made.error();
    prepared = std::move(*made);
  }
  remove_app(id);
  by_name_[{app.info.app_name, app.info.app_provider}].insert(id);
  const bool dispatches =
      app.strategy ? *app.strategy == Strategy::kDispatching : dispatching_.is_standard;
  const bool is_dispatcher = id == dispatching_.dispatcher;
  const bool dispatched = dispatches && !dispatching_.dispatcher.empty() && !is_dispatcher;
  apps_[id] = {app, dispatched, app.enabled && !is_dispatcher, std::move(prepared)};
  return {};
}

void Model::remove_app(const std::string& app_d_id) {
  const auto it = apps_.find(app_d_id);
  if (it == apps_.end()) return;
  const auto names =
      by_name_.find({it->second.app.info.app_name, it->second.app.info.app_provider});
  names->second.erase(app_d_id);
  if (names->second.empty()) by_name_.erase(names);
  apps_.erase(it);
}

void Model::unlist_instances(const HostEntry& entry) {
  for (const auto& instance : entry.host.instances) {
    hosts_of_[instance.app_d_id].erase(entry.host.id);
  }
}

Result<void> Model::put_host(const Host& host, PreparedLocation::Offer prepared) {
  if (prepared == nullptr) {
    const auto* before = this->host(host.id);
    auto made =
        prepare_again(host.service_area, before == nullptr ? nullptr : &before->host.service_area,
                      before == nullptr ? nullptr : before->service_area);
    if (!made) return made.error();
    prepared = std::move(*made);
  }
  remove_host(host.id);
  auto& entry = hosts_[host.id];
  entry = {host, std::move(prepared), {}};
  for (std::size_t i = 0; i < host.instances.size(); ++i) {
    entry.instances_of[host.instances[i].app_d_id].push_back(i);
    hosts_of_[host.instances[i].app_d_id].insert(host.id);
  }
  return {};
}

void Model::remove_host(const std::string& id) {
  const auto it = hosts_.find(id);
  if (it == hosts_.end()) return;
  unlist_instances(it->second);
  hosts_.erase(it);
}

void Model::set_reachable(const std::string& host_id, bool reachable) {
  const auto it = hosts_.find(host_id);
  if (it != hosts_.end()) it->second.host.reachable = reachable;
}

void Model::put_package(const Package& package) {
  remove_package(package.id);
  packages_[package.id] = package;
  if (package.state == OnboardingState::kOnboarded) package_of_[package.app_d_id] = package.id;
}

void Model::remove_package(const std::string& id) {
  const auto it = packages_.find(id);
  if (it == packages_.end()) return;
  const auto listed = package_of_.find(it->second.app_d_id);
  if (listed != package_of_.end() && listed->second == id) package_of_.erase(listed);
  packages_.erase(it);
}

const Package* Model::package(const std::string& id) const {
  const auto it = packages_.find(id);
  return it == packages_.end() ? nullptr : &it->second;
}

const Package* Model::package_of(const std::string& app_d_id) const {
  const auto it = package_of_.find(app_d_id);
  return it == package_of_.end() ? nullptr : package(it->second);
}

void Model::apply(const TableChange& change) {
  if (change.remove) {
    table_.remove(change.row.ue, change.row.app_d_id);
  } else {
    table_.put(change.row.ue, change.row.app_d_id, change.row.targets);
  }
}

Result<void> Model::check(const TableChange& change) const {
  const auto& row = change.row;
  const std::string name = "row (" + row.ue.text() + ", " + row.app_d_id + "): ";
  if (change.remove) return {};
  if (app(row.app_d_id) == nullptr) {
    return invalid_argument(name + "app '" + row.app_d_id + "' is not in the catalogue" +
                            suggestion(row.app_d_id, apps_));
  }
  for (const auto& target : row.targets) {
    if (target.kind == Target::Kind::kHost && host(target.value) == nullptr) {
      return invalid_argument(name + "host '" + target.value + "' is not known" +
                              suggestion(target.value, hosts_));
    }
  }
  return {};
}

Result<void> Model::check_removal_of_app(const std::string& app_d_id) const {
  if (app(app_d_id) == nullptr) return not_found("no app '" + app_d_id + "'");
  const auto rows = table_.rows_of_app(app_d_id);
  if (rows > 0) return conflict("the table has " + count_of(rows, "row") + " for this app");
  const auto instances = hosts_of(app_d_id).size();
  if (instances > 0) return conflict(count_of(instances, "host") + " list instances of this app");
  return {};
}

Result<void> Model::check_removal_of_host(const std::string& id) const {
  if (host(id) == nullptr) return no_host(id);
  const auto rows = table_.rows_of_host(id);
  if (rows > 0) return conflict(count_of(rows, "row") + " of the table point to this host");
  return {};
}

Result<void> Model::check_host(const Host& host) const {
  for (const auto& instance : host.instances) {
    if (app(instance.app_d_id) == nullptr) {
      return invalid_argument("app '" + instance.app_d_id + "' is not in the catalogue" +
                                  suggestion(instance.app_d_id, apps_),
                              "/instances");
    }
  }
  return {};
}

const CatalogueEntry* Model::app(const std::string& app_d_id) const {
  const auto it = apps_.find(app_d_id);
  return it == apps_.end() ? nullptr : &it->second;
}

Result<const CatalogueEntry*> Model::resolve(
    const AppReference& reference, const std::function<bool(const CatalogueEntry&)>& usable) const {
  const CatalogueEntry* best = nullptr;
  if (reference.app_d_id) {
    const auto* entry = app(*reference.app_d_id);
    if (entry == nullptr || !usable(*entry)) return best;
    if (agrees(entry->app.info, reference)) return entry;
    return invalid_argument("name, provider or version differ from those of this app in the list",
                            "/appInfo/appDId");
  }
  const auto names = by_name_.find({reference.app_name, reference.app_provider});
  if (names == by_name_.end()) return best;
  for (const auto& id : names->second) {
    const auto* entry = app(id);
    if (!usable(*entry) || !agrees(entry->app.info, reference)) continue;
    if (best == nullptr || is_later(entry->app.info, best->app.info)) best = entry;
  }
  return best;
}

const HostEntry* Model::host(const std::string& id) const {
  const auto it = hosts_.find(id);
  return it == hosts_.end() ? nullptr : &it->second;
}

Error Model::no_host(const std::string& id) const {
  return not_found("no host '" + id + "'" + suggestion(id, hosts_));
}

Model Model::without_rows() const {
  Model copy;
  copy.apps_ = apps_;
  copy.hosts_ = hosts_;
  copy.hosts_of_ = hosts_of_;
  copy.by_name_ = by_name_;
  copy.packages_ = packages_;
  copy.package_of_ = package_of_;
  copy.dispatching_ = dispatching_;
  return copy;
}

bool Model::is_packaged(const std::string& app_d_id) const {
  const auto* package = package_of(app_d_id);
  return package != nullptr && package->enabled;
}

bool Model::can_start(const HostEntry& host, const std::string& app_d_id) const {
  if (host.host.mepm_uri.empty() || !is_packaged(app_d_id)) return false;
  const auto& wanted = package_of(app_d_id)->architecture;
  const auto has = host.host.labels.find("arch");
  if (!wanted.empty() && has != host.host.labels.end() && has->second != wanted) return false;
  const auto& unable = host.host.unable;
  return std::find(unable.begin(), unable.end(), app_d_id) == unable.end();
}

const std::string& Model::served_by(const std::string& app_d_id) const {
  const auto* entry = app(app_d_id);
  return entry != nullptr && entry->dispatched ? dispatching_.dispatcher : app_d_id;
}

std::vector<std::string> Model::serves(const std::string& app_d_id) const {
  if (app_d_id != dispatching_.dispatcher) return {app_d_id};
  std::vector<std::string> apps;
  for (const auto& [id, entry] : apps_) {
    if (id == app_d_id || entry.dispatched) apps.push_back(id);
  }
  return apps;
}

std::vector<PreparedLocation::Offer> Model::service_areas() const {
  std::vector<PreparedLocation::Offer> areas;
  for (const auto& [id, entry] : hosts_) {
    if (!entry.service_area->empty()) areas.push_back(entry.service_area);
  }
  return areas;
}

const std::set<std::string>& Model::hosts_of(const std::string& app_d_id) const {
  static const std::set<std::string> kNone;
  const auto it = hosts_of_.find(app_d_id);
  return it == hosts_of_.end() ? kNone : it->second;
}

}  // namespace mx2
