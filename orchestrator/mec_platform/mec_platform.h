// The tie to the MEC platform that runs us, on a thread of its own: see registration.h. The
// platform says that it will end us by a POST to a path that nobody else can know.
//
// Threads: any but where said.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "api/base/ids.h"
#include "api/base/metrics.h"
#include "api/base/worker.h"
#include "orchestrator/mec_platform/registration.h"

namespace mx2 {

class MecPlatform {
 public:
  static constexpr const char* kPath = "/mec_platform/v1/termination";

  // `stop` ends the program as SIGTERM would; called once, on the thread of its own, after the
  // platform has been told that we end.
  MecPlatform(const MecPlatformOptions& options, IdGenerator& ids, const SteadyClock& clock,
              std::unique_ptr<http::AsyncClient> http, metrics::Registry& registry,
              std::function<void()> stop);
  ~MecPlatform();
  MecPlatform(const MecPlatform&) = delete;
  MecPlatform& operator=(const MecPlatform&) = delete;

  void start();
  // Takes the registration back, waiting at most kLeaveMs. Idempotent.
  void stop();

  // An AppTerminationNotification that was POSTed to kPath/{key}; what follows happens later.
  // not_found for another key, or while we have not subscribed; invalid_argument for a body that is
  // none, or speaks of another app instance.
  [[nodiscard]] Result<void> notified(const std::string& key, std::string_view body);

  [[nodiscard]] const std::string& app_instance_id() const { return options_.app_instance_id; }
  [[nodiscard]] MecPlatformStatus status() const;

  // One round: what is due, and the replies that come within `wait_ms`.
  void step(int wait_ms);

  static constexpr int kLeaveMs = 2000;

 private:
  [[nodiscard]] Worker::Time turn();
  [[nodiscard]] std::string callback() const;

  const MecPlatformOptions options_;
  const std::string key_;
  const std::unique_ptr<http::AsyncClient> http_;
  metrics::Gauge& registered_;
  Registration registration_;  // of its thread, while there is one
  const std::function<void()> stop_;

  mutable std::mutex mutex_;
  MecPlatformStatus status_;
  bool subscribed_ = false;
  std::optional<AppTerminationNotification> notification_;
  Worker worker_;
};

}  // namespace mx2
