// Application packages as the MEC orchestrator keeps them, named as in ETSI GS MEC 010-2 V2.1.1
// clause 6.2.3 (AppPkgInfo, AppPkgSubscription). Plain values; JSON spelling lives in
// codec_app_package.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/text.h"

namespace mx2 {

// Clause 6.2.3.3. There is no state for a failure: as in ETSI GS NFV-SOL 005, a package that could
// not be on-boarded is CREATED again, with the reason in `failure`.
enum class OnboardingState : std::uint8_t { kCreated, kUploading, kProcessing, kOnboarded };

// Why a package could not be on-boarded.
struct OnboardingFailure {
  std::string cause;   // short, for machines, e.g. "wrong-checksum"
  std::string detail;  // in a sentence
  int status = 400;    // as HTTP would have it
  bool operator==(const OnboardingFailure&) const = default;
};

struct Package {
  std::string id;        // appPkgId, 32 hexadecimal digits
  std::string name;      // appPkgName of whoever created it; with `version`, unique
  std::string version;   // appPkgVersion
  std::string provider;  // as the creator said, if it did
  std::string
      checksum;  // SHA-256, 64 hexadecimal digits; empty: not known before the content is here
  std::string source_uri;         // appPkgPath; empty: the content is uploaded
  std::string user_defined_data;  // JSON object; empty: none
  OnboardingState state = OnboardingState::kCreated;
  bool enabled = false;     // operationalState; only an on-boarded package is
  bool for_device = false;  // a device application's appPackageSource made it
  bool made_app = false;    // the catalogue had no entry for its app before
  std::optional<OnboardingFailure> failure;
  std::int64_t created_ms = 0;

  // Of the content, from PROCESSING on.
  std::uint64_t size = 0;  // bytes

  // Of the descriptor, once on-boarded.
  std::string app_d_id;
  std::string app_name;
  std::string app_provider;
  std::string app_soft_version;
  std::string app_d_version;
  std::string architecture;  // empty: any
  std::int64_t memory_mib = 0;
  int cpus = 0;
  int ready_timeout_ms = 10'000;  // for its λ to be ready

  bool operator==(const Package&) const = default;
};

// CreateAppPkg, clause 6.2.3.2. appPkgPath is mandatory there "for further study"; without one the
// content is uploaded.
struct CreateAppPkg {
  std::string name;
  std::string version;
  std::string provider;
  std::string checksum;  // SHA-256, lower case
  std::string path;
  std::string user_defined_data;
};

// What a subscription is about, clause 6.2.3.4.
enum class PackageSubscriptionType : std::uint8_t { kOnboarding, kOperationChange, kDeletion };

struct PackageSubscription {
  std::string id;
  PackageSubscriptionType type = PackageSubscriptionType::kOnboarding;
  std::string type_text;  // as the subscriber spells it, which is how it is answered
  std::string callback_uri;
  std::vector<std::string> filters;  // all must match; attribute_filter.h
  std::string root;                  // of the API as the subscriber knows it: for links
};

// notificationType, clause 6.2.3.6.
enum class PackageEvent : std::uint8_t { kOnboarded, kEnabled, kDisabled, kDeleted };

inline constexpr EnumTexts<4> kOnboardingStates{"CREATED", "UPLOADING", "PROCESSING", "ONBOARDED"};
[[nodiscard]] std::string_view to_text(OnboardingState state);
[[nodiscard]] PackageSubscriptionType type_of(PackageEvent event);

}  // namespace mx2
