#include <algorithm>

#include "orchestrator/mx2/procedures.h"

namespace mx2 {
namespace {

bool passes(const std::vector<std::string>& allowed, const std::string& value) {
  return allowed.empty() || std::find(allowed.begin(), allowed.end(), value) != allowed.end();
}

// An entry without the attribute that a filter names does not match.
bool passes(const AppListFilter& filter, const AppInfo& info) {
  if (!filter.vendor_id.empty() && !info.vendor_id) return false;
  if (filter.service_cont) {
    const bool known = info.app_charcs && info.app_charcs->service_cont;
    if (!known || *info.app_charcs->service_cont != *filter.service_cont) return false;
  }
  return passes(filter.app_name, info.app_name) && passes(filter.app_provider, info.app_provider) &&
         passes(filter.app_soft_version, info.app_soft_version) &&
         passes(filter.vendor_id, info.vendor_id.value_or(""));
}

}  // namespace

std::vector<const AppInfo*> get_app_list(const Model& model, const AppListFilter& filter,
                                         const Caller& caller) {
  std::vector<const AppInfo*> list;
  for (const auto& [id, entry] : model.apps()) {
    if (may_use(entry, caller) && passes(filter, entry.app.info)) {
      list.push_back(&entry.app.info);
    }
  }
  return list;
}

}  // namespace mx2
