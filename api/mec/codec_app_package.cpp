#include "api/mec/codec_app_package.h"

#include <algorithm>
#include <array>

#include "api/base/text.h"
#include "api/mec/attribute_filter.h"
#include "api/mec/codec_app_lcm.h"

namespace mx2::codec {
namespace {

using json::Chars;
using json::ObjectReader;
using json::Value;

constexpr Chars kDigest{64, 64};
constexpr std::size_t kUserDataBytesMax = 16U * 1024;
constexpr std::size_t kFiltersMax = 8;

struct TypeName {
  std::string_view text;
  PackageSubscriptionType type;
};
// The first of a type is the spelling of V2.1.1; the others are how it should be, and V3.1.1's.
constexpr std::array<TypeName, 8> kTypeNames{{
    {"AppPackageOnBoarding", PackageSubscriptionType::kOnboarding},
    {"AppPackageOnBoardingSubscription", PackageSubscriptionType::kOnboarding},
    {"AppPacakgeOperationChange", PackageSubscriptionType::kOperationChange},
    {"AppPackageOperationChange", PackageSubscriptionType::kOperationChange},
    {"AppPackageOperationChangeSubscription", PackageSubscriptionType::kOperationChange},
    {"AppPackageChangeSubscription", PackageSubscriptionType::kOperationChange},
    {"AppPackageDeletion", PackageSubscriptionType::kDeletion},
    {"AppPackageDeletionSubscription", PackageSubscriptionType::kDeletion},
}};

std::string_view name_of(PackageSubscriptionType type) {
  const auto* it = std::find_if(kTypeNames.begin(), kTypeNames.end(),
                                [&](const TypeName& name) { return name.type == type; });
  return it->text;
}

std::string_view name_of(const PackageSubscription& subscription) {
  return subscription.type_text.empty() ? name_of(subscription.type) : subscription.type_text;
}

std::string_view name_of(PackageEvent event) {
  static constexpr EnumTexts<4> kTexts{"AppPackageOnBoarded", "AppPacakgeEnabled",
                                       "AppPacakgeDisabled", "AppPackageDeleted"};
  return enum_text(event, kTexts);
}

std::string_view operational_state(const Package& package) {
  return package.enabled ? "ENABLED" : "DISABLED";
}

bool is_sha256(std::string_view algorithm) {
  const auto name = to_lower(algorithm);
  return name == "sha-256" || name == "sha256";
}

void read_checksum(ObjectReader& reader, std::string& out) {
  reader.required_object("checksum", [&](ObjectReader& checksum) {
    std::string algorithm;
    checksum.required("algorithm", algorithm, json::kIdentifier);
    if (!is_sha256(algorithm)) checksum.fail("must be SHA-256", "algorithm");
    checksum.required("hash", out, kDigest);
    out = to_lower(out);
    if (!is_hex(out, kDigest.least)) checksum.fail("must be 64 hexadecimal digits", "hash");
  });
}

void read_user_data(ObjectReader& reader, std::string& out) {
  const auto* data = reader.object("userDefinedData");
  if (data == nullptr) return;
  out = json::dump(*data);
  if (out.size() > kUserDataBytesMax) reader.fail("is too large", "userDefinedData");
}

bool can_be_asked(std::string_view uri) {
  const auto lower = to_lower(uri.substr(0, 8));
  const std::size_t scheme = lower.substr(0, 7) == "http://" ? 7 : lower == "https://" ? 8 : 0;
  if (scheme == 0 || uri.size() == scheme) return false;
  const auto first = uri[scheme];
  if (first == '/' || first == '?' || first == '#' || first == ':') return false;
  return std::all_of(uri.begin(), uri.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

void check_can_be_asked(ObjectReader& reader, const char* name, const std::string& uri) {
  if (reader.ok() && !uri.empty() && !can_be_asked(uri)) {
    reader.fail("must be an http or https URI", name);
  }
}

void read_type(ObjectReader& reader, PackageSubscription& out) {
  const char* const member =
      reader.find("subsctiptionType") != nullptr ? "subsctiptionType" : "subscriptionType";
  std::string text;
  reader.required(member, text, json::kIdentifier);
  if (!reader.ok()) return;
  const auto* it = std::find_if(kTypeNames.begin(), kTypeNames.end(),
                                [&](const TypeName& name) { return name.text == text; });
  if (it == kTypeNames.end()) {
    return reader.fail(
        "must be AppPackageOnBoarding, AppPacakgeOperationChange or AppPackageDeletion", member);
  }
  out.type = it->type;
  out.type_text = std::move(text);
}

void read_filters(ObjectReader& reader, PackageSubscription& out) {
  reader.optional("appPkgFilter", out.filters, json::kAnyText, kFiltersMax);
  for (const auto& filter : out.filters) {
    if (!reader.ok()) return;
    if (auto parsed = AttributeFilter::parse(filter); !parsed) {
      reader.fail(parsed.error().detail, "appPkgFilter");
    }
  }
}

std::string subscription_uri(const PackageSubscription& subscription, const std::string& root) {
  return root + "/subscriptions/" + subscription.id;
}

Value failure_details(const OnboardingFailure& failure) {
  return {{"type", "urn:mx2:problem:" + failure.cause},
          {"status", failure.status},
          {"detail", failure.detail}};
}

// What the standard has no attribute for.
Value extension(const Package& package) {
  Value out{{"appPkgName", package.name}, {"appPkgVersion", package.version}};
  if (!package.source_uri.empty()) out["appPkgPath"] = package.source_uri;
  if (package.size > 0) out["sizeBytes"] = package.size;
  if (package.app_d_id.empty()) return out;
  out["memoryMiB"] = package.memory_mib;
  out["cpus"] = package.cpus;
  if (!package.architecture.empty()) out["architecture"] = package.architecture;
  return out;
}

Value software_images(const Package& package) {
  if (package.app_d_id.empty()) return Value::array();
  Value image{{"id", package.app_d_id},
              {"name", package.app_name},
              {"version", package.app_soft_version},
              {"size", package.size}};
  if (!package.architecture.empty()) image["architecture"] = package.architecture;
  return Value::array({std::move(image)});
}

}  // namespace

Result<CreateAppPkg> decode_create_app_pkg(std::string_view body) {
  return json::decode_text<CreateAppPkg>(body, [](ObjectReader& reader, auto& out) {
    reader.required_line("appPkgName", out.name, json::kIdentifier);
    reader.required_line("appPkgVersion", out.version, json::kIdentifier);
    reader.optional("appProvider", out.provider, json::kIdentifier);
    reader.optional("appPkgPath", out.path, json::kUri);
    check_can_be_asked(reader, "appPkgPath", out.path);
    read_checksum(reader, out.checksum);
    read_user_data(reader, out.user_defined_data);
  });
}

Result<bool> decode_app_pkg_modifications(std::string_view body) {
  return json::decode_text<bool>(body, [](ObjectReader& reader, bool& enabled) {
    const bool slip = reader.find("operationState") != nullptr;
    reader.required_either(slip ? "operationState" : "operationalState", enabled, "ENABLED",
                           "DISABLED");
  });
}

Result<PackageSubscription> decode_app_pkg_subscription(std::string_view body) {
  return json::decode_text<PackageSubscription>(body, [](ObjectReader& reader, auto& out) {
    reader.required("callbackUri", out.callback_uri, json::kUri);
    check_can_be_asked(reader, "callbackUri", out.callback_uri);
    read_type(reader, out);
    read_filters(reader, out);
  });
}

Value app_pkg_info(const Package& package, bool in_use, const std::string& root) {
  const auto self = root + "/app_packages/" + package.id;
  const bool known = !package.app_d_id.empty();
  const auto& provider = known ? package.app_provider : package.provider;
  Value out{{"id", package.id},
            {"appDId", package.app_d_id},
            {"appName", known ? package.app_name : package.name},
            {"appSoftwareVersion", known ? package.app_soft_version : package.version},
            {"appDVersion", known ? package.app_d_version : package.version},
            {"checksum", {{"algorithm", "SHA-256"}, {"hash", package.checksum}}},
            {"softwareImages", software_images(package)},
            {"onboardingState", to_text(package.state)},
            {"operationalState", operational_state(package)},
            {"usageState", in_use ? "IN_USE" : "NOT_IN_USE"},
            {"_links",
             {{"self", link(self)},
              {"appD", link(self + "/appd")},
              {"appPkgContent", link(self + "/package_content")}}},
            {"mx2", extension(package)}};
  if (!provider.empty()) out["appProvider"] = provider;
  if (!package.user_defined_data.empty()) {
    if (auto data = json::parse(package.user_defined_data); data.ok()) {
      out["userDefinedData"] = std::move(*data);
    }
  }
  if (package.failure) out["onboardingFailureDetails"] = failure_details(*package.failure);
  return out;
}

Value app_pkg_modifications(const Package& package) {
  return {{"operationalState", operational_state(package)},
          {"operationState", operational_state(package)}};
}

Value app_pkg_subscription_info(const PackageSubscription& subscription) {
  return {{"id", subscription.id},
          {"subscriptionType", name_of(subscription)},
          {"callbackUri", subscription.callback_uri},
          {"_links", {{"self", link(subscription_uri(subscription, subscription.root))}}}};
}

Value app_pkg_subscription_links(const std::map<std::string, PackageSubscription>& subscriptions,
                                 const std::string& root) {
  auto list = Value::array();
  for (const auto& [id, subscription] : subscriptions) {
    list.push_back({{"href", subscription_uri(subscription, root)},
                    {"subscriptionType", name_of(subscription)},
                    {"subsctiptionType", name_of(subscription)}});
  }
  return {
      {"_links", {{"self", link(root + "/subscriptions")}, {"subscriptions", std::move(list)}}}};
}

Value app_pkg_notification(const std::string& id, PackageEvent event, const Package& package,
                           const PackageSubscription& subscription, std::int64_t now_ms) {
  const auto uri = subscription_uri(subscription, subscription.root);
  return {{"id", id},
          {"notificationType", name_of(event)},
          {"subscriptionId", subscription.id},
          {"timeStamp", timestamp_json(now_ms)},
          {"appPkgId", package.id},
          {"appDId", package.app_d_id},
          {"operationalState", operational_state(package)},
          {"_links", {{"subscription", link(uri)}}}};
}

}  // namespace mx2::codec
