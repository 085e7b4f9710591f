// Sends what the outbox holds: fairly, in bounded numbers, and in order.
//
// Each destination (scheme, host, port) has a queue of its own, and destinations take turns, so one
// that is slow or dead holds up nobody else. At most one notification of a context is in flight; a
// newer one waits for it to end and then goes with what is true by then. The two of a context go in
// the order of writing; one that must be tried again lets the other one pass. How many go to one
// destination at once follows from how it answers (Pace); one that fails again and again is left
// alone but for one attempt now and then, until it answers.
//
// All waiting is on the steady clock; dates are read from entries when they become known, and
// written for the next relay (times_of()).
//
// In memory: for each pending entry its context, number and times (about 180 bytes); what is sent
// is read from the outbox at that moment, so that nothing is sent for a context that has ended.
//
// Threads: turn() on one; wake() and status() on any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/base/clock.h"
#include "api/base/metrics.h"
#include "api/http/async_client.h"
#include "notifier/outbox.h"
#include "notifier/policy.h"

namespace mx2::notifier {

struct RelayOptions {
  std::size_t in_flight_max = 2000;
  PaceOptions pace;                  // of each destination
  std::size_t window_max = 500'000;  // entries looked at ahead; the rest stay in the outbox
  std::uint32_t failing_after = 5;   // failures in a row until a destination is left alone
  int look_every_ms = 1000;          // at the outbox, when nobody wakes the relay
  RetryOptions retry;
};

struct RelayStatus {
  std::size_t in_flight = 0;
  std::size_t pending = 0;  // known to the relay, in flight included
  std::size_t failing_destinations = 0;
};

class Relay {
 public:
  // All must outlive the relay. `seed`: of the jitter.
  Relay(Outbox& outbox, http::AsyncClient& client, const SystemClock& date,
        const SteadyClock& clock, metrics::Registry& registry, const RelayOptions& options,
        std::uint64_t seed);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Reads what is new, sends what is due, and waits until something happens.
  void turn();
  // Sends nothing more; waits for what is in flight, at most `grace_ms`.
  void finish(int grace_ms);
  // There is something new in the outbox.
  void wake();
  [[nodiscard]] RelayStatus status() const;

 private:
  struct Destination;
  struct Pending {
    std::uint64_t sequence = 0;
    std::uint64_t ticket = 0;  // of the one place in a queue that counts
    Times times;
    std::uint32_t attempts = 0;
    Destination* destination = nullptr;
    bool ready = false;  // has a place in its destination's queue
    bool in_flight = false;
    bool behind = false;  // the other one of its context, which is in flight
  };
  struct Key {
    std::string context_id;
    Topic topic = Topic::kInstances;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return std::hash<std::string>()(key.context_id) ^ static_cast<std::size_t>(key.topic);
    }
  };
  struct Queued {
    Key key;
    std::uint64_t ticket = 0;
  };
  struct Destination {
    explicit Destination(const PaceOptions& options) : pace(options) {}
    std::string name;
    Pace pace;
    std::deque<Queued> ready;
    std::size_t entries = 0;
    std::size_t in_flight = 0;
    std::uint32_t failures = 0;  // in a row
    std::int64_t probe_ms = 0;   // when failing: the next attempt
    bool failing = false;
    bool listed = false;  // in runnable_
  };
  struct Timer {
    std::int64_t due_ms = 0;
    Queued entry;             // of an entry, or
    std::string destination;  // of a failing destination
    bool operator>(const Timer& other) const { return due_ms > other.due_ms; }
  };
  using PendingMap = std::unordered_map<Key, Pending, KeyHash>;

  void read_new();
  void admit(const OutboxEntry& entry);
  void queue(const Key& key, Pending& pending, std::int64_t due_ms);
  void fire_timers();
  void send_ready();
  void send_one(Destination& destination);
  void send(OutboxEntry entry, Pending& pending);
  [[nodiscard]] PendingMap::iterator other_of(const Key& key);
  void on_reply(const OutboxEntry& entry, std::int64_t sent_ms, const Result<http::Reply>& reply);
  void conclude(PendingMap::iterator it, const OutboxEntry& entry, const Verdict& verdict);
  [[nodiscard]] Outcome outcome_of(PendingMap::const_iterator it, const Verdict& verdict) const;
  void update_pace(Destination& destination, const Verdict& verdict, std::int64_t sent_ms) const;
  void update_health(Destination& destination, const Verdict& verdict);
  void give_up_old(Destination& destination);
  void list(Destination& destination);
  [[nodiscard]] bool may_send(const Destination& destination) const;
  void learn(Pending& pending, const OutboxEntry& entry) const;
  void attach(Pending& pending, const std::string& callback_reference);
  void detach(Pending& pending);
  void forget(PendingMap::iterator it);
  void settle(bool now);
  [[nodiscard]] int wait_ms() const;
  void show_status();

  Outbox& outbox_;
  http::AsyncClient& client_;
  const SystemClock& date_;
  const SteadyClock& clock_;
  const RelayOptions options_;
  std::mt19937_64 random_;

  std::uint64_t last_sequence_ = 0;
  std::uint64_t last_ticket_ = 0;
  std::int64_t now_ms_ = 0;  // of the steady clock, as all times but those of entries and outcomes
  PendingMap entries_;
  std::set<std::uint64_t> ended_ahead_;  // sequences that were sent and ended before being read
  std::unordered_map<std::string, std::unique_ptr<Destination>> destinations_;
  std::deque<Destination*> runnable_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::size_t in_flight_ = 0;
  std::size_t failing_ = 0;
  std::vector<Outcome> outcomes_;
  std::int64_t settled_ms_ = 0;

  std::atomic<bool> woken_{true};
  bool more_ = false;  // to read, after the window had no room
  std::int64_t looked_ms_ = 0;
  std::atomic<std::size_t> shown_in_flight_{0};
  std::atomic<std::size_t> shown_pending_{0};
  std::atomic<std::size_t> shown_failing_{0};

  metrics::Counter& delivered_;
  metrics::Counter& retried_;
  metrics::Counter& given_up_;
  metrics::Counter& superseded_;
  metrics::Histogram& delivery_seconds_;
  metrics::Gauge& in_flight_gauge_;
  metrics::Gauge& pending_gauge_;
  metrics::Gauge& failing_gauge_;
};

}  // namespace mx2::notifier
