#include "ctl/onboarded_apps.h"

#include <algorithm>
#include <array>

#include "api/base/terminal.h"
#include "api/operator/codec.h"

namespace mx2::ctl {
namespace {

using json::Value;

constexpr std::array kMembers{"appDId",         "appName",           "appProvider",
                              "appSoftVersion", "appDVersion",       "appLocation",
                              "appCharcs",      "vendorSpecificExt", "appDescription"};

std::string child(const std::string& pointer, std::size_t i) {
  return pointer + "/" + std::to_string(i);
}

Value without_nulls(const Value& value) {
  if (!value.is_object() && !value.is_array()) return value;
  Value out = value.is_object() ? Value::object() : Value::array();
  for (const auto& [name, member] : value.items()) {
    if (member.is_null()) continue;
    if (value.is_object()) {
      out[name] = without_nulls(member);
    } else {
      out.push_back(without_nulls(member));
    }
  }
  return out;
}

// The list at `name`; an error when there is none.
Result<const Value*> list_at(const Value& object, const std::string& name,
                             const std::string& pointer) {
  if (!object.is_object()) return invalid_argument("must be an object", pointer);
  const auto it = object.find(name);
  if (it == object.end()) return invalid_argument("is missing", pointer + "/" + name);
  if (!it->is_array()) return invalid_argument("must be a list", pointer + "/" + name);
  return &*it;
}

// One entry of an appInfoList on its way to a document of ours.
class Entry {
 public:
  Entry(const Value& entry, const Value* vendor, std::string pointer, std::string vendor_pointer,
        std::vector<std::string>& remarks)
      : pointer_(std::move(pointer)),
        vendor_pointer_(std::move(vendor_pointer)),
        document_(without_nulls(entry)),
        remarks_(remarks) {
    if (vendor != nullptr && !vendor->is_null()) vendor_ = without_nulls(*vendor);
  }

  Result<OnboardedApp> read() {
    if (!document_.is_object()) return invalid_argument("must be an object", pointer_);
    if (!vendor_.is_null()) document_["vendorSpecificExt"] = vendor_;
    drop_others();
    if (auto fine = take_charcs(); !fine) return fine.error();
    drop_country_codes();
    if (const auto app = codec::decode_app(document_); !app) {
      auto error = app.error();
      error.pointer = in_file(error.pointer);
      return error;
    }
    return OnboardedApp{std::move(document_), pointer_};
  }

 private:
  void drop_others() {
    std::string names;
    for (const auto& [name, value] : document_.items()) {
      if (std::find(kMembers.begin(), kMembers.end(), name) != kMembers.end()) continue;
      names += (names.empty() ? "" : ", ") + printable(name);
    }
    if (names.empty()) return;
    remarks_.push_back(pointer_ + ": not used: " + names);
    auto kept = Value::object();
    for (const auto* name : kMembers) {
      if (document_.contains(name)) kept[name] = document_[name];
    }
    document_ = std::move(kept);
  }

  Result<void> take_charcs() {
    const auto it = document_.find("appCharcs");
    if (it == document_.end() || !it->is_array()) return {};
    if (it->size() > 1) return invalid_argument("has more than one item", pointer_ + "/appCharcs");
    charcs_in_list_ = true;
    if (it->empty()) {
      document_.erase(it);
    } else {
      Value only = it->front();
      *it = std::move(only);
    }
    return {};
  }

  // The Sandbox's own files have telephone codes there, e.g. "33".
  void drop_country_codes() {
    const auto it = document_.find("appLocation");
    if (it == document_.end() || !it->is_array()) return;
    auto kept = Value::array();
    for (std::size_t i = 0; i < it->size(); ++i) {
      auto location = (*it)[i];
      if (has_odd_code(location)) {
        remarks_.push_back(child(pointer_ + "/appLocation", i) + "/countryCode: '" +
                           printable(location["countryCode"].get<std::string>()) +
                           "' is no code of ISO 3166; left out");
        location.erase("countryCode");
        if (!location.contains("area")) continue;
      }
      kept.push_back(std::move(location));
      locations_.push_back(i);
    }
    *it = std::move(kept);
    if (it->empty()) document_.erase(it);
  }

  static bool has_odd_code(const Value& location) {
    if (!location.is_object() || !location.contains("countryCode")) return false;
    const auto& code = location["countryCode"];
    if (!code.is_string()) return false;
    const auto& text = code.get_ref<const std::string&>();
    const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
    return text.size() != 2 || !std::all_of(text.begin(), text.end(), capital);
  }

  // Where the file has what our document has at `pointer`.
  [[nodiscard]] std::string in_file(std::string pointer) const {
    const auto leads = [&](const std::string& name) { return pointer.rfind(name, 0) == 0; };
    static const std::string kVendor = "/vendorSpecificExt";
    static const std::string kCharcs = "/appCharcs";
    static const std::string kLocation = "/appLocation/";
    if (leads(kVendor) && !vendor_.is_null()) {
      return vendor_pointer_ + pointer.substr(kVendor.size());
    }
    if (leads(kCharcs) && charcs_in_list_) pointer.insert(kCharcs.size(), "/0");
    if (leads(kLocation)) {
      std::size_t length = 0;
      const auto i = std::stoul(pointer.substr(kLocation.size()), &length);
      if (i < locations_.size()) {
        pointer.replace(kLocation.size(), length, std::to_string(locations_[i]));
      }
    }
    return pointer_ + pointer;
  }

  const std::string pointer_;
  const std::string vendor_pointer_;
  Value document_;
  Value vendor_;
  std::vector<std::string>& remarks_;
  bool charcs_in_list_ = false;
  std::vector<std::size_t> locations_;  // index in the document -> in the file
};

}  // namespace

Result<OnboardedApps> read_onboarded_apps(const Value& file) {
  const auto entries = list_at(file, "appList", "");
  if (!entries) return entries.error();
  OnboardedApps found;
  for (std::size_t i = 0; i < (*entries)->size(); ++i) {
    const auto& entry = (**entries)[i];
    const auto pointer = child("/appList", i);
    const auto infos = list_at(entry, "appInfoList", pointer);
    if (!infos) return infos.error();
    const auto vendor = entry.find("vendorSpecificExt");
    for (std::size_t j = 0; j < (*infos)->size(); ++j) {
      auto app =
          Entry((**infos)[j], vendor == entry.end() ? nullptr : &*vendor,
                child(pointer + "/appInfoList", j), pointer + "/vendorSpecificExt", found.remarks)
              .read();
      if (!app) return app.error();
      found.apps.push_back(std::move(*app));
    }
  }
  return found;
}

}  // namespace mx2::ctl
