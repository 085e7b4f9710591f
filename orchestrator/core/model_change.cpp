#include "orchestrator/core/model_change.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "api/base/log.h"

namespace mx2 {

std::string etag_of(const std::string& document) {
  return "\"" + std::to_string(std::hash<std::string>{}(document)) + "\"";
}

Result<void> check(const Precondition& guard, bool exists, const std::string& etag) {
  if (guard.must_be_absent && exists) return precondition_failed("it exists already");
  if (guard.if_match.empty()) return {};
  if (!exists) return precondition_failed("it does not exist");
  if (guard.if_match != "*" && guard.if_match != etag) {
    return precondition_failed("it has changed: the ETag is now " + etag);
  }
  return {};
}

void expect(const Result<void>& published) {
  if (!published) log::error("model differs from store", {{"reason", published.error().detail}});
}

namespace {

bool has_id(const Host& host, const std::string& app_instance_id) {
  return std::any_of(host.instances.begin(), host.instances.end(),
                     [&](const auto& i) { return i.app_instance_id == app_instance_id; });
}

// An identifier of the app's instances before that none has now.
std::string earlier_id(const Host& host, const Host& before, const AppInstance& instance) {
  for (const auto& old : before.instances) {
    if (old.app_d_id != instance.app_d_id || old.managed) continue;
    if (!has_id(host, old.app_instance_id)) return old.app_instance_id;
  }
  return {};
}

}  // namespace

void name_instances(Host& host, const HostEntry* before, IdGenerator& ids) {
  for (auto& instance : host.instances) {
    if (!instance.app_instance_id.empty()) continue;
    if (before != nullptr) instance.app_instance_id = earlier_id(host, before->host, instance);
    if (instance.app_instance_id.empty()) instance.app_instance_id = ids.next();
  }
}

void take_as_put(Host& host) {
  std::erase_if(host.instances, [](const AppInstance& instance) { return instance.managed; });
  host.mepm_key.clear();
  host.reachable = true;
  host.load.reset();
  host.unable.clear();
}

void keep_managed(Host& host, const Host& before) {
  if (host.mepm_uri.empty()) host.mepm_uri = before.mepm_uri;
  if (!before.mepm_uri.empty() && host.mepm_uri == before.mepm_uri) {
    host.mepm_key = before.mepm_key;
    if (host.lease_ms == 0) host.lease_ms = before.lease_ms;
  }
  std::copy_if(before.instances.begin(), before.instances.end(), std::back_inserter(host.instances),
               [](const AppInstance& instance) { return instance.managed; });
  host.unable = before.unable;
  host.reachable = before.reachable;
}

void add_apps_of(const Model& model, const Host& host, const Relocation& relocation,
                 RelocationScopes& scopes) {
  std::set<std::string> apps;
  for (const auto& instance : host.instances) {
    if (relocation.follows(instance.app_d_id)) apps.insert(instance.app_d_id);
  }
  if (!host.mepm_uri.empty()) {
    for (const auto& [id, package] : model.packages()) {
      if (model.is_packaged(package.app_d_id)) apps.insert(package.app_d_id);
    }
  }
  for (const auto& app : apps) scopes.push_back({app, {}});
}

void add_contexts_of(const std::vector<TableChange>& changes, const Relocation& relocation,
                     RelocationScopes& scopes) {
  std::map<std::string, bool> whole;  // apps that follow -> all of their contexts
  for (const auto& [row, remove] : changes) {
    if (relocation.follows(row.app_d_id)) {
      whole[row.app_d_id] |= row.ue.kind != UeSelector::Kind::kDevApp;
    }
  }
  for (const auto& [app_d_id, all] : whole) {
    if (all) scopes.push_back({app_d_id, {}});
  }
  for (const auto& [row, remove] : changes) {
    const auto it = whole.find(row.app_d_id);
    if (it != whole.end() && !it->second) scopes.push_back({row.app_d_id, row.ue.dev_app_id});
  }
}

Result<void> store_row(StoreTransaction& transaction, const TableChange& change,
                       const std::optional<Association>& before) {
  const auto& row = change.row;
  auto kept = transaction.put_row_before(row.version, row.ue, row.app_d_id, before);
  if (!kept) return kept;
  return change.remove ? transaction.delete_row(row.ue, row.app_d_id) : transaction.put_row(row);
}

Result<Patched> store_rows(const Model& model, StoreTransaction& transaction,
                           std::vector<TableChange>& changes, const TableVersion& about,
                           std::int64_t now_ms) {
  auto version = about;
  version.version = model.table_version() + 1;
  version.rows = changes.size();
  version.created_ms = now_ms;
  for (auto& change : changes) {
    change.row.version = version.version;
    change.row.updated_ms = now_ms;
    const auto before = transaction.find_row(change.row.ue, change.row.app_d_id);
    if (!before) return before.error();
    if (auto stored = store_row(transaction, change, *before); !stored) return stored.error();
  }
  if (auto stored = transaction.put_table_version(version); !stored) return stored.error();
  if (auto stored = transaction.set_table_version(version.version); !stored) return stored.error();
  return Patched{version.version, changes.size()};
}

void publish_rows(Model& model, ChangeFeed& feed, const std::vector<TableChange>& changes) {
  for (const auto& change : changes) {
    model.apply(change);
    feed.publish(change);
  }
  model.set_table_version(model.table_version() + 1);
}

// When the storage fails, the next change tries again.
void shorten_history(Store& store) {
  auto run = [](StoreTransaction& tx) -> Result<bool> {
    auto more = tx.shorten_history();
    while (more.ok() && *more && !tx.time_is_up()) more = tx.shorten_history();
    return more;
  };
  submit_unit(store, kBackground, run, [&store](const Result<bool>& more) {
    if (more.ok() && *more) shorten_history(store);
  });
}

}  // namespace mx2
