// Who listens to which application context: event streams and long polls of device applications
// that have no HTTP server for a callbackReference. Only listeners are in memory; a context nobody
// listens to costs nothing.
//
// A listener is told of every change that is committed after it has subscribed. Subscribe in
// UnitOfWork::done(), on the store writer's thread, where changes are published, too: then nothing
// slips between what was read and the first event.
//
// Threads: any, but publish() is the store writer's alone. One thread of its own calls on_quiet().
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/base/metrics.h"
#include "api/base/result.h"
#include "api/base/worker.h"
#include "api/mx2/types.h"

namespace mx2 {

// One change of a context, encoded once for all its listeners.
struct ContextEvent {
  std::uint64_t revision = 0;
  std::string type;    // notificationType of MEC 016
  std::string body;    // the notification as JSON, one line; empty: nothing that clients are told
  bool ended = false;  // the context is no more
};

class ContextListener {
 public:
  enum class Next : std::uint8_t { kStay, kLeave };
  virtual ~ContextListener() = default;
  // Never waits. On the publisher's thread; kLeave: no more of this.
  virtual Next on_event(const ContextEvent& event) noexcept = 0;
  // The period given to subscribe() has passed (again). On the timer's thread, perhaps at the same
  // time as on_event().
  virtual Next on_quiet() noexcept = 0;
};

struct EventOptions {
  std::size_t listeners_max = 10000;
  std::size_t listeners_per_context_max = 8;
  int keep_alive_ms = 15000;  // between two comments on an event stream
};

class ContextEvents {
 public:
  using Clock = std::chrono::steady_clock;
  using Id = std::uint64_t;

  ContextEvents(const EventOptions& options, metrics::Gauge& listeners);
  ~ContextEvents();
  ContextEvents(const ContextEvents&) = delete;
  ContextEvents& operator=(const ContextEvents&) = delete;

  // A change of the context, after its commit; `revision` is the one it has now. Listeners are told
  // before this returns, and forgotten when the context has ended. An
  // ApplicationContextUpdateNotification without instances says that something changed that has no
  // notification. Almost free when nobody listens.
  void publish(const std::string& context_id, std::uint64_t revision,
               const Notification& notification);
  // False: publish() would do nothing, so there is no need to make a Notification.
  [[nodiscard]] bool has_listeners(const std::string& context_id) const;

  // Keeps `listener` until it leaves, is unsubscribed or close(). Refusals: unavailable (limit in
  // total, or closed), too_many (limit of the context), both with a time to wait.
  [[nodiscard]] Result<Id> subscribe(const std::string& context_id,
                                     std::shared_ptr<ContextListener> listener,
                                     std::chrono::milliseconds period);
  // Of one that has left already: does nothing.
  void unsubscribe(Id id);
  // Drops all listeners and takes no more. Idempotent.
  void close();

  // One round of the timer: calls on_quiet() of all that are due. When the next one is.
  Clock::time_point step(Clock::time_point now);

  [[nodiscard]] std::chrono::milliseconds keep_alive() const { return keep_alive_; }

 private:
  struct Entry {
    std::string context_id;
    std::shared_ptr<ContextListener> listener;
    std::chrono::milliseconds period;
    Clock::time_point due;
  };
  using Listeners = std::vector<std::pair<Id, std::shared_ptr<ContextListener>>>;

  [[nodiscard]] Listeners listeners_of(const std::string& context_id) const;
  [[nodiscard]] Listeners take_due(Clock::time_point now);
  void count();

  const EventOptions options_;
  const std::chrono::milliseconds keep_alive_;
  metrics::Gauge& gauge_;
  std::atomic<std::size_t> count_{0};  // of entries_, to be read without the mutex

  mutable std::mutex mutex_;
  bool closed_ = false;
  Id last_id_ = 0;
  std::unordered_map<Id, Entry> entries_;
  std::unordered_map<std::string, std::vector<Id>> by_context_;
  std::set<std::pair<Clock::time_point, Id>> due_;
  Worker timer_;
};

}  // namespace mx2
