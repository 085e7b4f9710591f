// The notifier: a relay with its HTTP client on a thread of its own. Runs inside the orchestrator,
// or alone (mx2-notifier) on the same store file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/base/live.h"
#include "api/base/worker.h"
#include "notifier/address_guard.h"
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
  ~Notifier() { stop(0); }
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  void start();
  // Finishes what is in flight, at most `grace_ms`. The rest stays in the outbox.
  void stop(int grace_ms);
  // Other addresses from now on, instead of NotifierOptions::allow. Any thread.
  [[nodiscard]] Result<void> allow(const std::vector<std::string>& prefixes);
  // Any thread.
  void wake() { relay_.wake(); }
  [[nodiscard]] RelayStatus status() const { return relay_.status(); }

 private:
  Notifier(Outbox& outbox, const SystemClock& date, const SteadyClock& clock,
           metrics::Registry& registry, const NotifierOptions& options, AddressGuard guard);

  Live<AddressGuard> guard_;
  http::CurlMulti client_;
  Relay relay_;
  Worker worker_;
};

}  // namespace mx2::notifier
