// What the procedures ask of life-cycle management: a λ where there is none yet, and an application
// that the catalogue does not have.
//
// Real: Lifecycle (orchestrator/lifecycle) and Packages (orchestrator/packages). Threads: any may
// call; answers come from threads of their own, or here and now.
#pragma once

#include <string>

#include "api/base/callback.h"
#include "api/base/result.h"

namespace mx2 {

class Instantiation {
 public:
  virtual ~Instantiation() = default;
  // There should be an instance of the app at the host, soon.
  virtual void want(const std::string& app_d_id, const std::string& host_id) = 0;
  // The same, and says when requests can be sent there: forbidden (instantiation-failed) when it
  // could not be started, unavailable (instantiation-timeout) after a bounded time, or because too
  // many wait.
  virtual void when_ready(const std::string& app_d_id, const std::string& host_id,
                          Callback<Result<void>> answer) = 0;
};

class Onboarding {
 public:
  virtual ~Onboarding() = default;
  // Whether a device application may have packages on-boarded from this URI (appPackageSource).
  [[nodiscard]] virtual bool allows(const std::string& uri) const = 0;
  // Answers the appDId when the catalogue has it.
  virtual void onboard(const std::string& uri, Callback<Result<std::string>> answer) = 0;
};

}  // namespace mx2
