// Packages on this host, as the life cycle needs them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/base/result.h"
#include "lcm/mepm/backend.h"

namespace mx2::mepm {

// What the orchestrator says of an on-boarded package (AppPkgInfo of MEC 010-2).
struct PackageInfo {
  std::string id;
  std::string app_d_id;
  std::string app_name;
  std::string app_provider;
  std::string app_soft_version;
  std::string app_d_version;
  std::string digest;  // SHA-256, 64 lower-case hexadecimal digits
  bool enabled = true;
};

struct PackageState {
  enum class Kind : std::uint8_t { kAbsent, kFetching, kInstalled, kFailed };
  Kind kind = Kind::kAbsent;
  InstalledPackage package;                // kInstalled
  Error error;                             // kFailed, until somebody wants it again
  std::optional<std::int64_t> fetch_ms;    // of the fetch that brought it
  std::optional<std::int64_t> install_ms;  // verifying and unpacking
};

class Packages {
 public:
  virtual ~Packages() = default;
  // From now on, instance `holder` needs it: fetched if absent, once however many want it, and not
  // evicted before it is let go.
  virtual void want(const std::string& holder, const std::string& app_d_id,
                    const std::string& digest) = 0;
  virtual void let_go(const std::string& holder) = 0;
  [[nodiscard]] virtual PackageState state(const std::string& digest) const = 0;
};

}  // namespace mx2::mepm
