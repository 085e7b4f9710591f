// Who is told what: subscriptions of the MEO (app_lcm) and of instances (mec_app_support), and the
// notifications owed to them.
//
// A notification is sent in order for each subscription, a few times with growing distance, and
// then dropped: they wake up those who look for themselves, and are no record. The queue is
// bounded, half of it for those that tell instances of their end: who does not answer the MEO's
// notifications takes no λ's. The subscriptions of the MEO are durable; those of an instance end
// with its life.
//
// Callbacks are sent wherever the subscriber says: the MEO is the operator's, and an instance that
// runs on this host can reach from it whatever we can.
//
// Threads: any, but step() and next_due_ms(), which are the loop's.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "api/base/clock.h"
#include "api/base/ids.h"
#include "api/base/metrics.h"
#include "api/http/async_client.h"
#include "lcm/mepm/lifecycle.h"

namespace mx2::mepm {

struct NotificationOptions {
  std::size_t subscriptions_max = 1000;    // of either kind
  std::size_t end_subscriptions_max = 16;  // of one instance
  std::size_t queue_max = 10'000;
  int attempts_max = 5;
  int retry_ms = 200;  // after the first attempt; doubles
};

class Notifications final : public Announcer {
 public:
  struct Needs {
    StateDir& state;
    const SystemClock& clock;   // what notifications say
    const SteadyClock& steady;  // when they are sent
    IdGenerator& ids;
    http::AsyncClient& http;
    metrics::Registry& registry;
  };
  Notifications(const Needs& needs, NotificationOptions options);

  // Before the first notification: where this platform is reached, "http://10.0.0.1:8090".
  void set_root(const std::string& root);
  void recover();

  [[nodiscard]] Result<LcmSubscription> subscribe(LcmSubscription request);
  [[nodiscard]] Result<void> unsubscribe(const std::string& id);
  [[nodiscard]] std::vector<LcmSubscription> subscriptions() const;
  [[nodiscard]] Result<LcmSubscription> subscription(const std::string& id) const;

  [[nodiscard]] Result<AppTerminationSubscription> subscribe(AppTerminationSubscription request);
  [[nodiscard]] Result<void> unsubscribe_end(const std::string& instance_id, const std::string& id);
  [[nodiscard]] std::vector<AppTerminationSubscription> end_subscriptions(
      const std::string& instance_id) const;

  void instance_changed(const AppInstanceInfo& instance) override;
  void operation_changed(const AppLcmOpOcc& operation, const AppInstanceInfo& instance) override;
  bool announce_end(const std::string& instance_id, OperationAction action,
                    std::int64_t grace_ms) override;
  [[nodiscard]] bool may_know_of_end(const std::string& instance_id) const override;
  void instance_gone(const std::string& instance_id) override;

  void step();
  [[nodiscard]] std::int64_t next_due_ms() const;

 private:
  struct Owed {
    std::string url;
    std::string body;
    std::string ends;  // the instance that it tells of its end; empty: none
    int attempts = 0;
    std::int64_t due_ms = 0;
  };
  struct Queue {
    std::deque<Owed> owed;
    bool sending = false;
  };

  // The notifications of an instance's end.
  struct Ending {
    std::size_t owed = 0;
    bool delivered = false;
  };

  bool owe(const std::string& subscription_id, const std::string& url, std::string body,
           const std::string& ends = {});
  void settle(const Owed& owed, bool delivered);
  void sent(const std::string& subscription_id, const Result<http::Reply>& reply);

  Needs needs_;
  NotificationOptions options_;
  metrics::Counter& delivered_;
  metrics::Counter& dropped_;
  std::string lcm_root_;
  std::string support_root_;
  mutable std::mutex mutex_;
  std::map<std::string, LcmSubscription> lcm_;
  std::map<std::string, AppTerminationSubscription> ends_;
  std::map<std::string, Ending> endings_;  // by instance
  std::map<std::string, Queue> queues_;    // by subscription
  std::size_t owed_ = 0;
};

}  // namespace mx2::mepm
