// JSON of `app_pkgm/v1`, ETSI GS MEC 010-2 V2.1.1, as its OpenAPI document spells it, and of the
// same packages in the store. Unknown attributes are ignored, as the standard has it. Pure
// functions.
//
// V2.1.1 misspells some names ("subsctiptionType", "AppPacakgeOperationChange", "operationState"
// where it means operationalState). What we read may be spelt either way; what we write is spelt
// both ways where the document demands the slip.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "api/base/result.h"
#include "api/json/json.h"
#include "api/mec/app_package.h"

namespace mx2::codec {

[[nodiscard]] Result<CreateAppPkg> decode_create_app_pkg(std::string_view body);
// AppPkgInfoModifications: true for ENABLED.
[[nodiscard]] Result<bool> decode_app_pkg_modifications(std::string_view body);
// AppPkgSubscription, without identifier and root.
[[nodiscard]] Result<PackageSubscription> decode_app_pkg_subscription(std::string_view body);

// `root`: of the API, e.g. "http://127.0.0.1:8081/app_pkgm/v1". Ours beside the standard's:
// "onboardingFailureDetails" (a ProblemDetails, as in NFV-SOL 005), and "mx2".
[[nodiscard]] json::Value app_pkg_info(const Package& package, bool in_use,
                                       const std::string& root);
[[nodiscard]] json::Value app_pkg_modifications(const Package& package);
[[nodiscard]] json::Value app_pkg_subscription_info(const PackageSubscription& subscription);
[[nodiscard]] json::Value app_pkg_subscription_links(
    const std::map<std::string, PackageSubscription>& subscriptions, const std::string& root);
[[nodiscard]] json::Value app_pkg_notification(const std::string& id, PackageEvent event,
                                               const Package& package,
                                               const PackageSubscription& subscription,
                                               std::int64_t now_ms);

// As they are stored.
[[nodiscard]] json::Value to_json(const Package& package);
[[nodiscard]] Result<Package> decode_package(const json::Value& document);
[[nodiscard]] json::Value to_json(const PackageSubscription& subscription);
[[nodiscard]] Result<PackageSubscription> decode_stored_subscription(const json::Value& document);

}  // namespace mx2::codec
