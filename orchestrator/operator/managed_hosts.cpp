// Hosts whose λ are started and stopped for us.
#include <algorithm>

#include "api/operator/codec.h"
#include "orchestrator/operator/procedures.h"

namespace mx2 {
namespace {

// What nobody vouches for but its MEPM must have been heard of.
bool is_up(const HostEntry* before, const HostRegistration& registration) {
  if (registration.lease_ms == 0) return true;
  if (before == nullptr) return false;
  const auto& host = before->host;
  return host.reachable &&
         (!host.mepm_uri.empty() || !host.instances.empty() || !host.probe_uri.empty());
}

Host registered(const HostEntry* before, const HostRegistration& registration) {
  Host host;
  if (before != nullptr) host = before->host;
  host.id = registration.id;
  host.mepm_uri = registration.mepm_uri;
  host.mepm_key = registration.mepm_key;
  host.lease_ms = registration.lease_ms;
  if (host.name.empty()) host.name = registration.name;
  if (host.zone.empty()) host.zone = registration.zone;
  for (const auto& label : registration.labels) host.labels.insert(label);
  host.reachable = is_up(before, registration);
  return host;
}

// What is stored already stays acceptable.
Result<void> check_labels(const Host& host, const HostEntry* before) {
  const auto most = std::max(codec::kLabelsMax, before == nullptr ? 0 : before->host.labels.size());
  if (host.labels.size() <= most) return {};
  return invalid_argument("with those that the host has it would have more than " +
                              std::to_string(codec::kLabelsMax) + " labels",
                          "/labels");
}

// Also apps whose contexts keep what they have: some may wait for their first address.
void add_apps(const std::vector<AppInstance>& instances, RelocationScopes& scopes) {
  for (const auto& instance : instances) {
    if (instance.managed) scopes.push_back({instance.app_d_id, {}});
  }
}

}  // namespace

void register_host(Core& core, HostRegistration registration, MayRegister allowed,
                   Callback<Result<Changed>> answer) {
  auto edit = [registration = std::move(registration), allowed = std::move(allowed),
               &relocation = core.relocation](const Model& model, Host& host,
                                              RelocationScopes& scopes) -> Result<void> {
    if (auto may = allowed(registration); !may) return may;
    const auto* before = model.host(registration.id);
    host = registered(before, registration);
    if (auto ok = check_labels(host, before); !ok) return ok;
    if (before == nullptr || before->host.mepm_uri.empty()) {
      add_apps_of(model, host, relocation, scopes);
    }
    return {};
  };
  change_host(core, std::move(edit), {}, std::move(answer));
}

void set_managed_instances(Core& core, const std::string& host_id,
                           std::vector<AppInstance> instances, std::vector<std::string> unable,
                           Callback<Result<Changed>> answer) {
  auto edit = [host_id, instances = std::move(instances), unable = std::move(unable)](
                  const Model& model, Host& host, RelocationScopes& scopes) -> Result<void> {
    const auto* before = model.host(host_id);
    if (before == nullptr) return not_found("no host '" + host_id + "'");
    host = before->host;
    add_apps(host.instances, scopes);
    std::erase_if(host.instances, [](const AppInstance& instance) { return instance.managed; });
    std::copy_if(instances.begin(), instances.end(), std::back_inserter(host.instances),
                 [&](const AppInstance& i) { return model.app(i.app_d_id) != nullptr; });
    host.unable = unable;
    add_apps(host.instances, scopes);
    return {};
  };
  change_host(core, std::move(edit), {}, std::move(answer));
}

}  // namespace mx2
