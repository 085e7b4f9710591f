#include "notifier/relay.h"

#include <algorithm>

#include "api/base/log.h"

namespace mx2::notifier {
namespace {

constexpr std::size_t kReadAtOnce = 1000;
constexpr std::size_t kSettleAtOnce = 256;
constexpr std::int64_t kSettleEveryMs = 10;
constexpr std::int64_t kStandbyMs = 500;  // between two tries for the lease
constexpr std::int64_t kStorageRetryMs = 500;

metrics::Counter& outcome_counter(metrics::Registry& registry, const std::string& outcome) {
  return registry.counter("mx2_notifications_total", "Attempts to notify, by how they ended",
                          {{"outcome", outcome}});
}

}  // namespace

Relay::Relay(Outbox& outbox, http::AsyncClient& client, const SystemClock& date,
             const SteadyClock& clock, metrics::Registry& registry, const RelayOptions& options,
             std::uint64_t seed)
    : outbox_(outbox),
      client_(client),
      date_(date),
      clock_(clock),
      options_(options),
      random_(seed),
      delivered_(outcome_counter(registry, "delivered")),
      retried_(outcome_counter(registry, "retry")),
      given_up_(outcome_counter(registry, "dead")),
      superseded_(outcome_counter(registry, "superseded")),
      delivery_seconds_(registry.histogram("mx2_notification_delivery_seconds",
                                           "From the commit of a change to the receiver's 2xx", {},
                                           metrics::latency_bounds())),
      in_flight_gauge_(registry.gauge("mx2_notifications_in_flight", "Notifications being sent")),
      pending_gauge_(
          registry.gauge("mx2_notifications_pending", "Notifications not delivered yet")),
      failing_gauge_(registry.gauge("mx2_notification_destinations_failing",
                                    "Destinations that do not answer")) {}

Relay::~Relay() = default;

void Relay::turn() {
  now_ms_ = clock_.now_ms();
  if (!outbox_.hold_lease()) return client_.poll(kStandbyMs);
  read_new();
  fire_timers();
  send_ready();
  settle(false);
  show_status();
  client_.poll(wait_ms());
}

void Relay::finish(int grace_ms) {
  const auto deadline = clock_.now_ms() + grace_ms;
  while (in_flight_ > 0 && clock_.now_ms() < deadline) {
    now_ms_ = clock_.now_ms();
    client_.poll(static_cast<int>(kSettleEveryMs));
  }
  settle(true);
}

void Relay::wake() {
  woken_ = true;
  client_.wake();
}

RelayStatus Relay::status() const { return {shown_in_flight_, shown_pending_, shown_failing_}; }

void Relay::show_status() {
  shown_in_flight_ = in_flight_;
  shown_pending_ = entries_.size();
  shown_failing_ = failing_;
  in_flight_gauge_.set(static_cast<double>(in_flight_));
  pending_gauge_.set(static_cast<double>(entries_.size()));
  failing_gauge_.set(static_cast<double>(failing_));
}

void Relay::read_new() {
  const bool due = now_ms_ - looked_ms_ >= options_.look_every_ms;
  if (!woken_.exchange(false) && !more_ && !due) return;
  looked_ms_ = now_ms_;
  if (due) outbox_.settle({});
  more_ = entries_.size() >= options_.window_max;
  if (more_) return;
  const auto entries = outbox_.read(last_sequence_, kReadAtOnce);
  if (!entries) {
    log::warn("outbox not readable", {{"reason", entries.error().detail}});
    return;
  }
  for (const auto& entry : *entries) admit(entry);
  ended_ahead_.erase(ended_ahead_.begin(), ended_ahead_.upper_bound(last_sequence_));
  more_ = entries->size() == kReadAtOnce;
}

// A newer entry of a context takes the place of the one that is known, in the queue too: a context
// that changes all the time must not always be the last.
void Relay::admit(const OutboxEntry& entry) {
  last_sequence_ = std::max(last_sequence_, entry.sequence);
  if (ended_ahead_.count(entry.sequence) != 0) return;
  const Key key{entry.context_id, entry.topic};
  auto& pending = entries_[key];
  if (pending.sequence >= entry.sequence) return;
  if (pending.sequence != 0) superseded_.add();
  learn(pending, entry);
  pending.attempts = entry.attempts;
  const auto* before = pending.destination;
  attach(pending, entry.callback_reference);
  const bool keeps_place =
      pending.ready && pending.destination == before && pending.times.due_ms <= now_ms_;
  if (!pending.in_flight && !keeps_place) queue(key, pending, pending.times.due_ms);
}

void Relay::learn(Pending& pending, const OutboxEntry& entry) const {
  pending.sequence = entry.sequence;
  pending.times = times_of(entry, date_.now_ms(), now_ms_, options_.retry);
}

void Relay::attach(Pending& pending, const std::string& callback_reference) {
  if (pending.in_flight) return;  // it still counts where it is being sent
  auto name = destination_of(callback_reference);
  if (pending.destination != nullptr && pending.destination->name == name) return;
  detach(pending);
  auto& destination = destinations_[name];
  if (!destination) {
    destination = std::make_unique<Destination>(options_.pace);
    destination->name = std::move(name);
  }
  ++destination->entries;
  pending.destination = destination.get();
}

void Relay::detach(Pending& pending) {
  auto* destination = std::exchange(pending.destination, nullptr);
  if (destination != nullptr && --destination->entries == 0) list(*destination);  // to be erased
}

void Relay::forget(PendingMap::iterator it) {
  detach(it->second);
  entries_.erase(it);
}

// Of the same context and the other topic.
Relay::PendingMap::iterator Relay::other_of(const Key& key) {
  if (key.topic == Topic::kPackages) return entries_.end();
  const bool instances = key.topic == Topic::kInstances;
  return entries_.find({key.context_id, instances ? Topic::kLocations : Topic::kInstances});
}

void Relay::queue(const Key& key, Pending& pending, std::int64_t due_ms) {
  pending.ticket = ++last_ticket_;
  pending.behind = false;
  pending.ready = due_ms <= now_ms_;
  if (!pending.ready) return timers_.push({due_ms, {key, pending.ticket}, {}});
  pending.destination->ready.push_back({key, pending.ticket});
  list(*pending.destination);
}

void Relay::list(Destination& destination) {
  if (destination.listed) return;
  destination.listed = true;
  runnable_.push_back(&destination);
}

void Relay::fire_timers() {
  while (!timers_.empty() && timers_.top().due_ms <= now_ms_) {
    const Timer timer = timers_.top();
    timers_.pop();
    if (!timer.destination.empty()) {
      const auto it = destinations_.find(timer.destination);
      if (it == destinations_.end()) continue;
      give_up_old(*it->second);
      list(*it->second);
      continue;
    }
    const auto it = entries_.find(timer.entry.key);
    if (it == entries_.end() || it->second.ticket != timer.entry.ticket) continue;
    queue(it->first, it->second, now_ms_);
  }
}

bool Relay::may_send(const Destination& destination) const {
  if (destination.ready.empty()) return false;
  if (!destination.failing) return destination.in_flight < destination.pace.at_once();
  return destination.in_flight == 0 && now_ms_ >= destination.probe_ms;
}

// One of each destination in turn.
void Relay::send_ready() {
  while (!runnable_.empty() && in_flight_ < options_.in_flight_max) {
    auto& destination = *runnable_.front();
    runnable_.pop_front();
    destination.listed = false;
    if (may_send(destination)) {
      send_one(destination);
      list(destination);
    } else if (destination.entries == 0) {
      failing_ -= destination.failing ? 1 : 0;
      destinations_.erase(destination.name);
    }
  }
}

void Relay::send_one(Destination& destination) {
  const Queued queued = std::move(destination.ready.front());
  destination.ready.pop_front();
  const auto it = entries_.find(queued.key);
  if (it == entries_.end() || it->second.ticket != queued.ticket) return;
  auto& pending = it->second;
  pending.ready = false;
  const auto other = other_of(it->first);
  pending.behind = other != entries_.end() && other->second.in_flight;
  if (pending.behind) return;
  auto found = outbox_.find(it->first.context_id, it->first.topic);
  if (!found) return queue(it->first, pending, now_ms_ + kStorageRetryMs);
  if (!*found) return forget(it);
  if (pending.sequence != (*found)->sequence) {  // replaced by one that is not read yet
    superseded_.add();
    learn(pending, **found);
    attach(pending, (*found)->callback_reference);
    if (pending.destination != &destination) return queue(it->first, pending, now_ms_);
  }
  send(std::move(**found), pending);
}

void Relay::send(OutboxEntry entry, Pending& pending) {
  pending.in_flight = true;
  ++pending.destination->in_flight;
  ++in_flight_;
  pending.attempts = ++entry.attempts;
  http::OutgoingRequest request{
      "POST", entry.callback_reference, {{"Content-Type", "application/json"}}, entry.body};
  request.may_go_anywhere = entry.topic == Topic::kPackages;
  if (entry.topic != Topic::kPackages) {
    request.headers.emplace_back("Mx2-Sequence", std::to_string(entry.revision));
  }
  client_.begin(std::move(request),
                [this, entry = std::move(entry), sent_ms = now_ms_](
                    const Result<http::Reply>& reply) { on_reply(entry, sent_ms, reply); });
}

void Relay::on_reply(const OutboxEntry& entry, std::int64_t sent_ms,
                     const Result<http::Reply>& reply) {
  now_ms_ = clock_.now_ms();
  --in_flight_;
  const auto it = entries_.find({entry.context_id, entry.topic});
  auto& pending = it->second;
  auto& destination = *pending.destination;
  pending.in_flight = false;
  --destination.in_flight;
  const auto verdict = judge(reply, pending.times, now_ms_, options_.retry);
  if (reply || reply.error().code != ErrorCode::kForbidden) {  // else nobody was asked
    update_pace(destination, verdict, sent_ms);
    update_health(destination, verdict);
  }
  list(destination);
  conclude(it, entry, verdict);
  const auto other = other_of({entry.context_id, entry.topic});
  if (other != entries_.end() && other->second.behind) queue(other->first, other->second, now_ms_);
}

void Relay::conclude(PendingMap::iterator it, const OutboxEntry& entry, const Verdict& verdict) {
  auto& pending = it->second;
  if (pending.sequence != entry.sequence) {  // a newer one has come meanwhile
    const auto found = outbox_.find(entry.context_id, entry.topic);
    if (found && *found) attach(pending, (*found)->callback_reference);
    return queue(it->first, pending, now_ms_);
  }
  auto outcome = outcome_of(it, verdict);
  if (verdict.kind == Outcome::Kind::kRetry) {
    retried_.add();
    const auto delay_ms = delay_after(
        entry.attempts, std::uniform_real_distribution<double>()(random_), options_.retry);
    outcome.due_ms += delay_ms;
    outcomes_.push_back(std::move(outcome));
    return queue(it->first, pending, now_ms_ + delay_ms);
  }
  if (verdict.kind == Outcome::Kind::kDelivered) {
    delivered_.add();
    delivery_seconds_.observe(static_cast<double>(now_ms_ - pending.times.written_ms) / 1000.0);
  } else {
    given_up_.add();
  }
  if (entry.sequence > last_sequence_) ended_ahead_.insert(entry.sequence);
  outcomes_.push_back(std::move(outcome));
  forget(it);
}

// For the outbox, so with dates.
Outcome Relay::outcome_of(PendingMap::const_iterator it, const Verdict& verdict) const {
  const auto& pending = it->second;
  return {verdict.kind,
          it->first.context_id,
          pending.sequence,
          date_.now_ms(),
          pending.attempts,
          verdict.error,
          now_ms_ - pending.times.waits_since_ms};
}

void Relay::update_pace(Destination& destination, const Verdict& verdict,
                        std::int64_t sent_ms) const {
  if (verdict.kind == Outcome::Kind::kRetry || !verdict.reached) return destination.pace.failed();
  destination.pace.replied(now_ms_ - sent_ms, destination.ready.size(), options_.pace);
}

// One line in the log for each change, not for each attempt.
void Relay::update_health(Destination& destination, const Verdict& verdict) {
  if (verdict.reached) {
    destination.failures = 0;
    if (!destination.failing) return;
    destination.failing = false;
    --failing_;
    log::info("destination answers again", {{"destination", destination.name}});
    return;
  }
  // Those that were in flight together with the one that showed it say nothing new.
  if (destination.failing && now_ms_ < destination.probe_ms) return;
  ++destination.failures;
  if (destination.failures < options_.failing_after) return;
  const auto attempt = destination.failures - options_.failing_after + 1;
  destination.probe_ms = now_ms_ + delay_after(attempt, 1.0, options_.retry);
  timers_.push({destination.probe_ms, {}, destination.name});
  if (destination.failing) return;
  destination.failing = true;
  ++failing_;
  log::warn("destination fails", {{"destination", destination.name},
                                  {"reason", verdict.error},
                                  {"waiting", destination.entries}});
}

// Of a failing destination, which is asked about one entry at a time: the others grow old unasked.
void Relay::give_up_old(Destination& destination) {
  std::deque<Queued> kept;
  for (auto& queued : std::exchange(destination.ready, {})) {
    const auto it = entries_.find(queued.key);
    if (it == entries_.end() || it->second.ticket != queued.ticket) continue;
    if (now_ms_ - it->second.times.waits_since_ms < options_.retry.give_up_after_ms) {
      kept.push_back(std::move(queued));
      continue;
    }
    given_up_.add();
    outcomes_.push_back(
        outcome_of(it, {Outcome::Kind::kDead, false, "its destination did not answer"}));
    forget(it);
  }
  destination.ready = std::move(kept);
}

void Relay::settle(bool now) {
  const bool due = now || outcomes_.size() >= kSettleAtOnce || in_flight_ == 0 ||
                   now_ms_ - settled_ms_ >= kSettleEveryMs;
  if (outcomes_.empty() || !due) return;
  settled_ms_ = now_ms_;
  outbox_.settle(std::exchange(outcomes_, {}));
}

int Relay::wait_ms() const {
  if (more_ && entries_.size() < options_.window_max) return 0;
  std::int64_t until = looked_ms_ + options_.look_every_ms;
  if (!timers_.empty()) until = std::min(until, timers_.top().due_ms);
  if (!outcomes_.empty()) until = std::min(until, settled_ms_ + kSettleEveryMs);
  return static_cast<int>(std::clamp<std::int64_t>(until - clock_.now_ms(), 0, 1000));
}

}  // namespace mx2::notifier
