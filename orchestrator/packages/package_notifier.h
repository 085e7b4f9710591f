// Who wants to hear of packages: subscriptions, which are stored, and notifications, which are not
// (AppPkgSubscription and AppPkgNotification, ETSI GS MEC 010-2 V2.1.1 clauses 6.2.3.4
// and 6.2.3.6). A callbackUri is an operator's own system, so unlike a device application's it may
// be anywhere.
//
// Best effort: a notification is tried a few times within some seconds, and lost with the process.
// Whoever must know reads the list.
//
// Threads: any. One of its own sends.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/base/callback.h"
#include "api/base/metrics.h"
#include "api/base/worker.h"
#include "api/http/async_client.h"
#include "api/mec/app_package.h"
#include "orchestrator/core/core.h"

namespace mx2 {

struct PackageNotifierOptions {
  std::size_t subscriptions_max = 100;
  std::size_t waiting_max = 1000;  // notifications; more: the oldest are lost
  std::size_t in_flight_max = 64;
  int attempts_max = 4;
  int retry_first_ms = 500;  // doubles
};

class PackageNotifier {
 public:
  using Time = std::chrono::steady_clock::time_point;

  PackageNotifier(Core& core, const PackageNotifierOptions& options,
                  std::unique_ptr<http::AsyncClient> client, metrics::Registry& registry);
  PackageNotifier(const PackageNotifier&) = delete;
  PackageNotifier& operator=(const PackageNotifier&) = delete;

  void start();
  void stop() { worker_.stop(); }

  void restore(PackageSubscription subscription);  // at start-up
  // Answers it with its identifier.
  void subscribe(PackageSubscription subscription, Callback<Result<PackageSubscription>> answer);
  void unsubscribe(const std::string& id, Callback<Result<void>> answer);
  [[nodiscard]] std::vector<PackageSubscription> subscriptions() const;
  [[nodiscard]] std::optional<PackageSubscription> find(const std::string& id) const;

  void notify(PackageEvent event, const Package& package);

  // Sends what is due, and waits for answers, at most `wait_ms`.
  void step(Time now, int wait_ms);

 private:
  struct Owed {
    std::string uri;
    std::string body;
    int attempts = 0;
    Time due;
  };

  void send(Owed owed);
  void settle(Owed owed, const Result<http::Reply>& reply);
  [[nodiscard]] std::vector<Owed> take_due(Time now);

  Core& core_;
  const PackageNotifierOptions options_;
  const std::unique_ptr<http::AsyncClient> client_;
  metrics::Counter& delivered_;
  metrics::Counter& lost_;

  mutable std::mutex mutex_;
  std::map<std::string, PackageSubscription> subscriptions_;
  std::deque<Owed> owed_;
  std::size_t in_flight_ = 0;
  Worker worker_;
};

}  // namespace mx2
