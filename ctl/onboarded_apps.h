// The files that the ETSI MEC Sandbox (AdvantEDGE's meep-dai) on-boards its applications from, read
// as apps of our catalogue:
//
//   {"appList":[{"appInfoList":[{"appDId":…,"appCharcs":[{…}],"cmd":…,"args":…}],
//                "vendorSpecificExt":{"vendorId":…}}]}
//
// Every entry of both lists counts; a null is as good as absent; appCharcs is an object or a list
// of at most one. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "api/base/result.h"
#include "api/json/json.h"

namespace mx2::ctl {

struct OnboardedApp {
  json::Value document;  // as codec::decode_app() takes it
  std::string pointer;   // of its entry in the file
};

struct OnboardedApps {
  std::vector<OnboardedApp> apps;
  // What was not taken over, each beginning with its JSON pointer: members that the catalogue has
  // no place for (cmd, args), and country codes that are none of ISO 3166.
  std::vector<std::string> remarks;
};

// Errors carry the JSON pointer within the file.
[[nodiscard]] Result<OnboardedApps> read_onboarded_apps(const json::Value& file);

}  // namespace mx2::ctl
