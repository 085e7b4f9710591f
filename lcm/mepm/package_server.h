// Where packages come from: the orchestrator's app_pkgm/v1 (ETSI GS MEC 010-2 clause 7.3), by
// appDId.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "api/base/result.h"
#include "api/orchestrator/access.h"
#include "lcm/mepm/packages.h"

namespace mx2::mepm {

// Blocking; callable from several threads at once.
class PackageServer {
 public:
  virtual ~PackageServer() = default;
  // not_found when nothing of that appDId is on-boarded; unavailable when nobody can be asked.
  [[nodiscard]] virtual Result<PackageInfo> info(const std::string& app_d_id) = 0;
  // The archive, piece by piece; false from `take` ends it.
  [[nodiscard]] virtual Result<void> content(const std::string& app_d_id,
                                             const std::function<bool(std::string_view)>& take) = 0;
};

class OrchestratorPackages final : public PackageServer {
 public:
  explicit OrchestratorPackages(OrchestratorAccess access) : access_(std::move(access)) {}
  [[nodiscard]] Result<PackageInfo> info(const std::string& app_d_id) override;
  [[nodiscard]] Result<void> content(const std::string& app_d_id,
                                     const std::function<bool(std::string_view)>& take) override;

 private:
  OrchestratorAccess access_;
};

[[nodiscard]] Result<PackageInfo> decode_package_info(std::string_view body);

}  // namespace mx2::mepm
