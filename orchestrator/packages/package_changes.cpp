#include "orchestrator/packages/package_changes.h"

#include <algorithm>
#include <memory>

#include "orchestrator/core/model_change.h"
#include "orchestrator/packages/package_subscriptions.h"

namespace mx2 {
namespace {

using Created = PackageCreated;

Error no_package(const std::string& id) { return not_found("no application package '" + id + "'"); }

// Of a device application: by the source, whoever has named it before.
const Package* find_like(const Model& model, const CreateAppPkg& request, bool for_device) {
  const auto& all = model.packages();
  const auto it = std::find_if(all.begin(), all.end(), [&](const auto& entry) {
    const auto& package = entry.second;
    return for_device ? package.source_uri == request.path
                      : package.name == request.name && package.version == request.version;
  });
  return it == all.end() ? nullptr : &it->second;
}

void take_request(Package& package, const CreateAppPkg& request) {
  package.name = request.name;
  package.version = request.version;
  package.provider = request.provider;
  package.checksum = request.checksum;
  package.source_uri = request.path;
  package.user_defined_data = request.user_defined_data;
  package.state = OnboardingState::kCreated;
  package.failure.reset();
}

// What becomes of a request for a package that there is.
Result<Created> again(const Package& before, const CreateAppPkg& request, bool for_device) {
  Created out{before, false};
  if (for_device) return out;
  if (before.failure) {
    take_request(out.package, request);
    out.begins = !request.path.empty();
    return out;
  }
  if (before.checksum == request.checksum) return out;
  return conflict("package '" + request.name + "' version '" + request.version +
                  "' exists with another checksum; delete it first");
}

// What operators have set stays; a size of their own, too.
App app_of(const AppDescriptor& descriptor, const CatalogueEntry* before) {
  App app = before == nullptr ? App{} : before->app;
  auto& info = app.info;
  info.app_d_id = descriptor.app_d_id;
  info.app_name = descriptor.app_name;
  info.app_provider = descriptor.app_provider;
  info.app_soft_version = descriptor.app_soft_version;
  info.app_d_version = descriptor.app_d_version;
  info.app_description = descriptor.app_description;
  if (!info.app_charcs) info.app_charcs.emplace();
  if (!info.app_charcs->memory) info.app_charcs->memory = descriptor.memory_mib;
  return app;
}

void take_descriptor(Package& package, const AppDescriptor& descriptor) {
  package.app_d_id = descriptor.app_d_id;
  package.app_name = descriptor.app_name;
  package.app_provider = descriptor.app_provider;
  package.app_soft_version = descriptor.app_soft_version;
  package.app_d_version = descriptor.app_d_version;
  package.architecture = descriptor.architecture;
  package.memory_mib = descriptor.memory_mib;
  package.cpus = descriptor.virtual_cpus;
  if (descriptor.process) package.ready_timeout_ms = descriptor.process->ready_timeout_ms;
}

Result<void> check_removal(const Model& model, const Package& package) {
  if (package.enabled) return conflict("the package is enabled; disable it first");
  if (in_use(model, package)) return conflict("there are instances of its app");
  return {};
}

}  // namespace

bool in_use(const Model& model, const Package& package) {
  return package.state == OnboardingState::kOnboarded && !model.hosts_of(package.app_d_id).empty();
}

void create_package(Core& core, CreateAppPkg request, bool for_device, std::size_t count_max,
                    Callback<Result<Created>> answer) {
  const auto changed = std::make_shared<std::optional<Package>>();
  auto attempt = [request = std::move(request), for_device, count_max, changed, &ids = core.ids,
                  &clock = core.clock](const Model& model, StoreTransaction& tx,
                                       RelocationScopes&) -> Result<Created> {
    Created out;
    if (const auto* before = find_like(model, request, for_device)) {
      auto taken = again(*before, request, for_device);
      if (!taken || taken->package == *before) return taken;
      out = std::move(*taken);
    } else {
      if (model.packages().size() >= count_max) {
        return forbidden("too-many-packages",
                         "there are " + std::to_string(count_max) + " packages already");
      }
      take_request(out.package, request);
      out.package.id = ids.next();
      out.package.created_ms = clock.now_ms();
      out.package.for_device = for_device;
      out.begins = !request.path.empty();
    }
    if (auto stored = tx.put(out.package); !stored) return stored.error();
    *changed = out.package;
    return out;
  };
  auto publish = [changed](Model& model, ChangeFeed&) {
    if (*changed) model.put_package(**changed);
  };
  submit_change<Created>(core, std::move(attempt), std::move(publish), std::move(answer));
}

void change_package(Core& core, const std::string& id, PackageEdit edit,
                    std::optional<PackageEvent> event, Callback<Result<Package>> answer) {
  const auto changed = std::make_shared<Package>();
  auto attempt = [&core, id, edit = std::move(edit), event, changed](
                     const Model& model, StoreTransaction& tx,
                     RelocationScopes&) -> Result<Package> {
    const auto* before = model.package(id);
    if (before == nullptr) return no_package(id);
    *changed = *before;
    if (auto ok = edit(*changed); !ok) return ok.error();
    auto stored = tx.put(*changed);
    if (stored.ok() && event) stored = owe_package_event(core, tx, model, *event, *changed);
    if (!stored) return stored.error();
    return *changed;
  };
  auto publish = [changed](Model& model, ChangeFeed&) { model.put_package(*changed); };
  submit_change<Package>(core, std::move(attempt), std::move(publish), std::move(answer));
}

void finish_onboarding(Core& core, const std::string& id, AppDescriptor descriptor,
                       Callback<Result<Package>> answer) {
  const auto changed = std::make_shared<Package>();
  const auto app = std::make_shared<App>();
  auto attempt = [&core, id, descriptor = std::move(descriptor), changed, app](
                     const Model& model, StoreTransaction& tx,
                     RelocationScopes&) -> Result<Package> {
    const auto* before = model.package(id);
    if (before == nullptr) return no_package(id);
    if (const auto* other = model.package_of(descriptor.app_d_id)) {
      auto taken = conflict("app '" + descriptor.app_d_id + "' has package " + other->id +
                            " already; delete that first");
      taken.cause = kAppTaken;
      return taken;
    }
    const auto* entry = model.app(descriptor.app_d_id);
    *app = app_of(descriptor, entry);
    *changed = *before;
    take_descriptor(*changed, descriptor);
    changed->state = OnboardingState::kOnboarded;
    changed->enabled = true;
    changed->made_app = entry == nullptr;
    auto stored = tx.put(*app);
    if (stored.ok()) stored = tx.put(*changed);
    if (stored.ok()) {
      stored = owe_package_event(core, tx, model, PackageEvent::kOnboarded, *changed);
    }
    if (!stored) return stored.error();
    return *changed;
  };
  auto publish = [changed, app](Model& model, ChangeFeed& changes) {
    expect(model.put_app(*app));
    model.put_package(*changed);
    changes.publish(AppChanged{app});
  };
  submit_change<Package>(core, std::move(attempt), std::move(publish), std::move(answer));
}

void remove_package(Core& core, const std::string& id, std::optional<PackageEvent> event,
                    Callback<Result<Package>> answer) {
  const auto app_goes = std::make_shared<std::string>();
  auto attempt = [&core, id, event, app_goes](const Model& model, StoreTransaction& tx,
                                              RelocationScopes&) -> Result<Package> {
    const auto* before = model.package(id);
    if (before == nullptr) return no_package(id);
    if (auto ok = check_removal(model, *before); !ok) return ok.error();
    if (before->made_app && model.check_removal_of_app(before->app_d_id).ok()) {
      *app_goes = before->app_d_id;
      auto stored = tx.delete_document(Stored::kApp, before->app_d_id);
      if (!stored) return stored.error();
    }
    auto stored = tx.delete_document(Stored::kPackage, id);
    if (stored.ok() && event) stored = owe_package_event(core, tx, model, *event, *before);
    if (!stored) return stored.error();
    return *before;
  };
  auto publish = [id, app_goes](Model& model, ChangeFeed& changes) {
    model.remove_package(id);
    if (app_goes->empty()) return;
    model.remove_app(*app_goes);
    changes.publish(AppRemoved{*app_goes});
  };
  submit_change<Package>(core, std::move(attempt), std::move(publish), std::move(answer));
}

}  // namespace mx2
