// The notifier: a relay with its HTTP client on a thread of its own. Runs inside the orchestrator,
// or alone (mx2-notifier) on the same store file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/base/clock.h"
#include "api/base/metrics.h"
#include "api/base/result.h"
#include "notifier/outbox.h"
#include "notifier/relay.h"

namespace mx2::notifier {

struct NotifierOptions {
  RelayOptions relay;
  std::vector<std::string> allow;  // addresses or prefixes, beside the public ones
  int connect_timeout_ms = 2000;
  int timeout_ms = 5000;  // for one notification
  std::string ca_file;    // PEM file of trusted certificates; empty: the system's
};

class Notifier {
 public:
  // invalid_argument: `allow` has something that is no address. All must outlive the notifier.
  [[nodiscard]] static Result<std::unique_ptr<Notifier>> make(Outbox& outbox,
                                                              const SystemClock& date,
                                                              const SteadyClock& clock,
                                                              metrics::Registry& registry,
                                                              const NotifierOptions& options);
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  void start();
  // Finishes what is in flight, at most `grace_ms`. The rest stays in the outbox.
  void stop(int grace_ms);
  // Any thread.
  void wake();
  [[nodiscard]] RelayStatus status() const;

 private:
  struct Impl;
  explicit Notifier(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mx2::notifier
