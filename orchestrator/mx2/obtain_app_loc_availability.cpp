#include <algorithm>

#include "api/mx2/codec.h"
#include "orchestrator/mx2/service.h"

namespace mx2 {
namespace {

bool within_app_locations(const CatalogueEntry& entry, const PreparedLocation& area) {
  return entry.locations.empty() || area.matches_any(entry.locations);
}

void add_host(const CatalogueEntry& entry, const HostEntry& host,
              std::vector<LocationConstraints>& locations) {
  for (std::size_t i = 0; i < host.service_area.size(); ++i) {
    const auto& location = host.host.service_area[i];
    const bool listed = std::find(locations.begin(), locations.end(), location) != locations.end();
    if (!listed && locations.size() < codec::kLocationsMax &&
        within_app_locations(entry, host.service_area[i])) {
      locations.push_back(location);
    }
  }
}

}  // namespace

// An app that nobody knows, or that the caller may not use, is available nowhere: 200, empty list.
ApplicationLocationAvailability obtain_app_loc_availability(const Model& model,
                                                            ApplicationLocationAvailability request,
                                                            const Caller& caller) {
  request.available_locations.clear();
  const auto found = model.resolve({std::nullopt, request.app_name, request.app_provider,
                                    request.app_d_version, request.app_soft_version},
                                   [&](const App& app) { return may_use(app, caller); });
  const CatalogueEntry* entry = found ? *found : nullptr;
  if (entry == nullptr) return request;
  const auto& app = entry->app.info.app_d_id;
  const auto takes = [](const HostEntry& host) {
    return host.host.state == HostState::kUp && host.host.reachable;
  };
  for (const auto& id : model.hosts_of(app)) {
    const auto* host = model.host(id);
    if (takes(*host)) add_host(*entry, *host, request.available_locations);
  }
  if (!model.is_packaged(app)) return request;
  for (const auto& [id, host] : model.hosts()) {
    if (takes(host) && model.can_start(host, app)) {
      add_host(*entry, host, request.available_locations);
    }
  }
  return request;
}

}  // namespace mx2
