#include <algorithm>

#include "api/mx2/codec.h"
#include "orchestrator/mx2/procedures.h"

namespace mx2 {
namespace {

// What may be compared without the model.
struct Offers {
  PreparedLocation::Offer of_app;  // null: nobody knows the app, or the caller may not use it
  std::vector<PreparedLocation::Offer> of_hosts;
};

Offers offers_for(const Model& model, const ApplicationLocationAvailability& request,
                  const Caller& caller) {
  const auto found =
      model.resolve({std::nullopt, request.app_name, request.app_provider, request.app_d_version,
                     request.app_soft_version},
                    [&](const CatalogueEntry& entry) { return may_use(entry, caller); });
  const CatalogueEntry* entry = found ? *found : nullptr;
  if (entry == nullptr) return {};
  Offers offers{entry->locations, {}};
  const auto& app = entry->app.info.app_d_id;
  const auto takes = [](const HostEntry& host) {
    return host.host.state == HostState::kUp && host.host.reachable;
  };
  for (const auto& id : model.hosts_of(app)) {
    const auto* host = model.host(id);
    if (takes(*host)) offers.of_hosts.push_back(host->service_area);
  }
  if (!model.is_packaged(app)) return offers;
  for (const auto& [id, host] : model.hosts()) {
    if (takes(host) && model.can_start(host, app)) offers.of_hosts.push_back(host.service_area);
  }
  return offers;
}

}  // namespace

// An app that nobody knows, or that the caller may not use, is available nowhere: 200, empty list.
ApplicationLocationAvailability obtain_app_loc_availability(const LiveModel& model,
                                                            ApplicationLocationAvailability request,
                                                            const Caller& caller) {
  auto& locations = request.available_locations;
  locations.clear();
  const auto offers = model.read([&](const Model& m) { return offers_for(m, request, caller); });
  for (const auto& area : offers.of_hosts) {
    for (const auto& one : *area) {
      if (locations.size() == codec::kLocationsMax) return request;
      const auto& location = one.constraints();
      const bool listed =
          std::find(locations.begin(), locations.end(), location) != locations.end();
      if (listed) continue;
      if (!offers.of_app->empty() && !one.matches_any(*offers.of_app)) continue;
      locations.push_back(location);
    }
  }
  return request;
}

}  // namespace mx2
