// How packages change: units of work that check against the latest model, store, and publish. What
// subscribers are to be told is owed in the same unit; of some changes, nothing.
// Private to orchestrator/packages.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "api/base/callback.h"
#include "api/mec/app_package.h"
#include "api/mec/appd.h"
#include "orchestrator/core/core.h"

namespace mx2 {

struct PackageCreated {
  Package package;
  bool begins = false;  // its content is to be fetched now
};

// The same name and version again: the same package if the checksum is the same or the earlier
// attempt failed (then it is begun anew), else conflict. `for_device`: of whoever, by its source.
void create_package(Core& core, CreateAppPkg request, bool for_device, std::size_t count_max,
                    Callback<Result<PackageCreated>> answer);

// `edit` refuses, or changes what is stored; not_found when there is no such package.
using PackageEdit = std::function<Result<void>(Package&)>;
void change_package(Core& core, const std::string& id, PackageEdit edit,
                    std::optional<PackageEvent> event, Callback<Result<Package>> answer);

// ONBOARDED and enabled, and its app in the catalogue: an entry that is there keeps what operators
// have set. conflict (cause kAppTaken) when another package has its app.
inline constexpr const char* kAppTaken = "app-has-a-package";
void finish_onboarding(Core& core, const std::string& id, AppDescriptor descriptor,
                       Callback<Result<Package>> answer);

// conflict while it is enabled or its app has instances. The app goes with it if on-boarding made
// it and no row of the table names it.
void remove_package(Core& core, const std::string& id, std::optional<PackageEvent> event,
                    Callback<Result<Package>> answer);

[[nodiscard]] bool in_use(const Model& model, const Package& package);

}  // namespace mx2
