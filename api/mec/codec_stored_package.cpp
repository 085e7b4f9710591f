// Packages and their subscriptions as they are stored.
#include <array>

#include "api/json/form.h"
#include "api/mec/codec_app_package.h"

namespace mx2 {
namespace {

constexpr std::array<std::string_view, 4> kStates{"CREATED", "UPLOADING", "PROCESSING",
                                                  "ONBOARDED"};

}  // namespace

std::string_view to_text(OnboardingState state) {
  return kStates.at(static_cast<std::size_t>(state));
}

PackageSubscriptionType type_of(PackageEvent event) {
  switch (event) {
    case PackageEvent::kOnboarded: return PackageSubscriptionType::kOnboarding;
    case PackageEvent::kDeleted: return PackageSubscriptionType::kDeletion;
    default: return PackageSubscriptionType::kOperationChange;
  }
}

namespace codec {
namespace {

using json::ObjectReader;
using json::Value;

constexpr json::Chars kAnyLength{};
constexpr auto kMost = std::numeric_limits<std::int64_t>::max();

void read_state(ObjectReader& reader, OnboardingState& out) {
  std::string text;
  reader.required("state", text, kAnyLength);
  for (std::size_t i = 0; i < kStates.size(); ++i) {
    if (kStates.at(i) != text) continue;
    out = static_cast<OnboardingState>(i);
    return;
  }
  reader.fail("is no state", "state");
}

void read_failure(ObjectReader& reader, Package& out) {
  const auto* failure = reader.object("failure");
  if (failure == nullptr) return;
  ObjectReader sub(*failure, reader.at("failure"), reader.error());
  auto& to = out.failure.emplace();
  std::int64_t status = 0;
  sub.required("cause", to.cause, kAnyLength);
  sub.required("detail", to.detail, kAnyLength);
  sub.required("status", status, 0, 999);
  to.status = static_cast<int>(status);
}

void read_descriptor(ObjectReader& reader, Package& out) {
  std::int64_t cpus = 0;
  reader.optional("appDId", out.app_d_id, kAnyLength);
  reader.optional("appName", out.app_name, kAnyLength);
  reader.optional("appProvider", out.app_provider, kAnyLength);
  reader.optional("appSoftVersion", out.app_soft_version, kAnyLength);
  reader.optional("appDVersion", out.app_d_version, kAnyLength);
  reader.optional("architecture", out.architecture, kAnyLength);
  reader.required("memoryMib", out.memory_mib, 0, kMost);
  reader.required("cpus", cpus, 0, std::numeric_limits<int>::max());
  out.cpus = static_cast<int>(cpus);
  std::optional<std::int64_t> ready_timeout_ms;
  reader.optional("readyTimeoutMs", ready_timeout_ms, 0, std::numeric_limits<int>::max());
  if (ready_timeout_ms) out.ready_timeout_ms = static_cast<int>(*ready_timeout_ms);
}

}  // namespace

Value to_json(const Package& p) {
  Value out{{"id", p.id},
            {"name", p.name},
            {"version", p.version},
            {"provider", p.provider},
            {"checksum", p.checksum},
            {"sourceUri", p.source_uri},
            {"userDefinedData", p.user_defined_data},
            {"state", to_text(p.state)},
            {"enabled", p.enabled},
            {"forDevice", p.for_device},
            {"madeApp", p.made_app},
            {"createdMs", p.created_ms},
            {"size", p.size},
            {"appDId", p.app_d_id},
            {"appName", p.app_name},
            {"appProvider", p.app_provider},
            {"appSoftVersion", p.app_soft_version},
            {"appDVersion", p.app_d_version},
            {"architecture", p.architecture},
            {"memoryMib", p.memory_mib},
            {"cpus", p.cpus},
            {"readyTimeoutMs", p.ready_timeout_ms}};
  if (p.failure) {
    out["failure"] = {
        {"cause", p.failure->cause}, {"detail", p.failure->detail}, {"status", p.failure->status}};
  }
  return json::with_form(std::move(out));
}

Result<Package> decode_package(const Value& document) {
  std::optional<Error> error;
  Package out;
  ObjectReader reader(document, "", error);
  json::check_form(reader);
  std::int64_t size = 0;
  reader.required("id", out.id, kAnyLength);
  reader.required("name", out.name, kAnyLength);
  reader.optional("version", out.version, kAnyLength);
  reader.optional("provider", out.provider, kAnyLength);
  reader.optional("checksum", out.checksum, kAnyLength);
  reader.optional("sourceUri", out.source_uri, kAnyLength);
  reader.optional("userDefinedData", out.user_defined_data, kAnyLength);
  read_state(reader, out.state);
  reader.optional("enabled", out.enabled);
  reader.optional("forDevice", out.for_device);
  reader.optional("madeApp", out.made_app);
  reader.required("createdMs", out.created_ms, 0, kMost);
  reader.required("size", size, 0, kMost);
  read_failure(reader, out);
  read_descriptor(reader, out);
  if (error) return *error;
  out.size = static_cast<std::uint64_t>(size);
  return out;
}

Value to_json(const PackageSubscription& subscription) {
  return json::with_form({{"id", subscription.id},
                          {"type", static_cast<int>(subscription.type)},
                          {"typeText", subscription.type_text},
                          {"callbackUri", subscription.callback_uri},
                          {"filters", subscription.filters},
                          {"root", subscription.root}});
}

Result<PackageSubscription> decode_stored_subscription(const Value& document) {
  std::optional<Error> error;
  PackageSubscription out;
  ObjectReader reader(document, "", error);
  json::check_form(reader);
  std::int64_t type = 0;
  reader.required("id", out.id, kAnyLength);
  reader.required("type", type, 0, 2);
  reader.optional("typeText", out.type_text, kAnyLength);
  reader.required("callbackUri", out.callback_uri, kAnyLength);
  reader.optional("filters", out.filters, kAnyLength, json::kNoLimit);
  reader.optional("root", out.root, kAnyLength);
  if (error) return *error;
  out.type = static_cast<PackageSubscriptionType>(type);
  return out;
}

}  // namespace codec
}  // namespace mx2
