#include "orchestrator/core/client_counts.h"

namespace mx2 {

void ClientCounts::add(const std::string& app_d_id, const std::string& host_id) {
  const std::lock_guard guard(mutex_);
  ++counts_[app_d_id][host_id];
}

void ClientCounts::remove(const std::string& app_d_id, const std::string& host_id) {
  const std::lock_guard guard(mutex_);
  const auto app = counts_.find(app_d_id);
  if (app == counts_.end()) return;
  const auto host = app->second.find(host_id);
  if (host == app->second.end()) return;
  if (--host->second == 0) app->second.erase(host);
}

ClientCounts::ByAppAndHost ClientCounts::all() const {
  const std::lock_guard guard(mutex_);
  ByAppAndHost all;
  for (const auto& [app, hosts] : counts_) {
    for (const auto& [host, count] : hosts) all[{app, host}] = count;
  }
  return all;
}

}  // namespace mx2
