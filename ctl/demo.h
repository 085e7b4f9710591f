// The example that `demo load` loads into a running orchestrator, and `demo remove` takes away:
// deploy/demo/demo.yaml, or a file like it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "api/base/result.h"
#include "api/json/json.h"
#include "api/operator/types.h"

namespace mx2::ctl {

struct Demo {
  struct Package {
    std::string file;  // .zip
    std::string app_d_id;
  };
  using Entry = std::pair<std::string, json::Value>;  // identifier and document

  std::vector<Package> packages;
  std::vector<Entry> apps;  // besides those of the packages
  std::vector<Entry> hosts;
  std::vector<TableChange> rows;
  std::string next;  // what to try then

  // appDIds of packages and apps: all rows and contexts of these are the demonstration's.
  [[nodiscard]] std::vector<std::string> app_ids() const;
};

// Usage errors with file:line:column. Names of packages are relative to the file's folder; whether
// they can be read is seen when they are loaded.
[[nodiscard]] Result<Demo> read_demo(const std::string& file);

// Of the installation that this program is of: share/mx2/demo/demo.yaml beside its bin/.
[[nodiscard]] std::string installed_demo();

}  // namespace mx2::ctl
