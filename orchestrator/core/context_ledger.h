// All contexts there are, as far as they are counted and looked for in memory: how many each device
// application has, which it has for an app (what a change of a dev: row concerns), and how many
// each host serves of each app (what λ instances are for). Whoever follows or listens is told of
// what is noted here.
//
// Threads: store writer's only (and before it starts), but for limit(), clients() and is_heard().
// Memory: about 50 bytes for each context.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/base/metrics.h"
#include "api/base/result.h"
#include "api/mx2/types.h"
#include "orchestrator/core/change_feed.h"
#include "orchestrator/core/context_events.h"
#include "orchestrator/domain/tiers.h"
#include "orchestrator/store/store.h"

namespace mx2 {

class ContextLedger {
 public:
  // Of (appDId, host); the host is empty for contexts that have none (yet).
  using Clients = std::map<std::pair<std::string, std::string>, std::size_t>;

  // What has become of a context, as a unit of work notes it until it is durable.
  struct Entry {
    std::string context_id;
    std::uint64_t revision = 0;        // the one it has now
    std::optional<Notification> told;  // to those who listen
    std::string host_before;
    std::optional<ContextPlace> place;  // as it is now, if that is another
    std::optional<EscalationCause> escalated = {};
  };

  ContextLedger(std::size_t contexts_max, std::size_t contexts_per_device_max,
                ContextEvents& events, ChangeFeed& changes, metrics::Registry& registry);

  // From now on; what is there already stays. Any thread.
  void limit(std::size_t contexts_max, std::size_t contexts_per_device_max);
  // In the transaction that stores it: counts it, or refuses with `forbidden` and a cause.
  [[nodiscard]] Result<void> admit(const ContextRecord& context);
  // One that was admitted, but not stored.
  void withdraw(const ContextRecord& context);
  // After the commit.
  void added(const ContextRecord& record, const AppContext& context,
             std::optional<EscalationCause> escalated = {});
  void changed(Entry entry);
  void ended(const ContextRecord& record);
  // At start-up, without limits; nobody is told.
  void restore(const ContextRecord& context);

  [[nodiscard]] std::size_t total() const { return total_; }
  // All there are, and by accident some of others: read the context before you believe it.
  [[nodiscard]] std::vector<std::string> find(std::string_view app_d_id,
                                              std::string_view dev_app_id) const;
  // Those that are not 0. Any thread.
  [[nodiscard]] Clients clients() const;
  // Whether anybody listens to a context, for those to whom making a Notification is work.
  [[nodiscard]] bool is_heard(const std::string& context_id) const {
    return events_.has_listeners(context_id);
  }

 private:
  using PackedId = std::array<std::uint8_t, 16>;
  static PackedId pack(std::string_view context_id);
  void count_escalation(std::optional<EscalationCause> cause);
  void list(const ContextRecord& context);
  void unlist(const ContextRecord& context);
  void count_client(const std::string& app_d_id, const std::string& host_id);
  void discount_client(const std::string& app_d_id, const std::string& host_id);

  std::atomic<std::size_t> contexts_max_;
  std::atomic<std::size_t> contexts_per_device_max_;
  ContextEvents& events_;
  ChangeFeed& changes_;
  metrics::Gauge& gauge_;
  std::array<metrics::Counter*, kEscalationCauses.size()> escalations_{};  // by cause

  std::size_t total_ = 0;
  // By hash: a collision only makes two devices share a limit.
  std::unordered_map<std::uint64_t, std::uint32_t> per_device_;
  std::unordered_multimap<std::uint64_t, PackedId> contexts_;  // likewise, of app and device
  mutable std::mutex clients_mutex_;
  std::unordered_map<std::string, std::unordered_map<std::string, std::size_t>> clients_;
};

}  // namespace mx2
