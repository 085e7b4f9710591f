// Packages and their subscriptions as they are stored.
#include <limits>

#include "api/json/form.h"
#include "api/mec/codec_app_package.h"

namespace mx2 {

std::string_view to_text(OnboardingState state) { return enum_text(state, kOnboardingStates); }

PackageSubscriptionType type_of(PackageEvent event) {
  switch (event) {
    case PackageEvent::kOnboarded: return PackageSubscriptionType::kOnboarding;
    case PackageEvent::kDeleted: return PackageSubscriptionType::kDeletion;
    default: return PackageSubscriptionType::kOperationChange;
  }
}

namespace codec {
namespace {

using json::kAnyLength;
using json::kMost;
using json::ObjectReader;
using json::Value;

constexpr int kIntMax = std::numeric_limits<int>::max();

constexpr auto kFailure = [](auto& io, auto& failure) {
  io.required("cause", failure.cause, kAnyLength);
  io.required("detail", failure.detail, kAnyLength);
  io.required("status", failure.status, 0, 999);
};

constexpr auto kStoredPackage = [](auto& io, auto& package) {
  io.required("id", package.id, kAnyLength);
  io.required("name", package.name, kAnyLength);
  io.optional("version", package.version, kAnyLength);
  io.optional("provider", package.provider, kAnyLength);
  io.optional("checksum", package.checksum, kAnyLength);
  io.optional("sourceUri", package.source_uri, kAnyLength);
  io.optional("userDefinedData", package.user_defined_data, kAnyLength);
  io.required("state", package.state, kOnboardingStates);
  io.optional("enabled", package.enabled);
  io.optional("forDevice", package.for_device);
  io.optional("madeApp", package.made_app);
  io.required("createdMs", package.created_ms, 0, kMost);
  io.required("size", package.size, 0, kMost);
  io.optional_object("failure", package.failure, kFailure);
  io.optional("appDId", package.app_d_id, kAnyLength);
  io.optional("appName", package.app_name, kAnyLength);
  io.optional("appProvider", package.app_provider, kAnyLength);
  io.optional("appSoftVersion", package.app_soft_version, kAnyLength);
  io.optional("appDVersion", package.app_d_version, kAnyLength);
  io.optional("architecture", package.architecture, kAnyLength);
  io.required("memoryMib", package.memory_mib, 0, kMost);
  io.required("cpus", package.cpus, 0, kIntMax);
  io.optional("readyTimeoutMs", package.ready_timeout_ms, 0, kIntMax);
};

constexpr auto kStoredSubscription = [](auto& io, auto& subscription) {
  io.required("id", subscription.id, kAnyLength);
  io.optional("typeText", subscription.type_text, kAnyLength);
  io.required("callbackUri", subscription.callback_uri, kAnyLength);
  io.optional("filters", subscription.filters, kAnyLength, json::kNoLimit);
  io.optional("root", subscription.root, kAnyLength);
};

}  // namespace

Value to_json(const Package& package) {
  return json::with_form(json::object_of(package, kStoredPackage));
}

Result<Package> decode_package(const Value& document) {
  return json::decode_stored<Package>(document, kStoredPackage);
}

Value to_json(const PackageSubscription& subscription) {
  auto out = json::object_of(subscription, kStoredSubscription);
  out["type"] = static_cast<int>(subscription.type);
  return json::with_form(std::move(out));
}

Result<PackageSubscription> decode_stored_subscription(const Value& document) {
  return json::decode_stored<PackageSubscription>(
      document, [](ObjectReader& reader, PackageSubscription& out) {
        int type = 0;
        reader.required("type", type, 0, 2);
        out.type = static_cast<PackageSubscriptionType>(type);
        kStoredSubscription(reader, out);
      });
}

}  // namespace codec
}  // namespace mx2
