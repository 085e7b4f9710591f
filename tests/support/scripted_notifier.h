// The two sides of a relay, played by the test: an outbox in memory and a client whose replies the
// test gives.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/base/clock.h"
#include "api/http/async_client.h"
#include "notifier/outbox.h"
#include "notifier/relay.h"
#include "tests/support/manual_clock.h"

namespace mx2::test {

class ScriptedOutbox final : public notifier::Outbox {
 public:
  using Entry = notifier::OutboxEntry;
  using Topic = notifier::Topic;

  explicit ScriptedOutbox(const Clock& clock) : clock_(clock) {}

  // Takes the place of what is owed to the context of that topic. The body is the sequence.
  Entry& put(const std::string& context_id, const std::string& callback,
             Topic topic = Topic::kInstances) {
    Entry entry;
    entry.context_id = context_id;
    entry.topic = topic;
    entry.sequence = ++sequence_;
    entry.revision = 100 + sequence_;
    entry.callback_reference = callback;
    entry.body = std::to_string(sequence_);
    entry.written_ms = entry.due_ms = clock_.now_ms();
    erase(context_id, topic);
    order_[sequence_] = {context_id, topic};
    return entries_[{context_id, topic}] = entry;
  }
  void erase(const std::string& context_id, Topic topic = Topic::kInstances) {
    const auto it = entries_.find({context_id, topic});
    if (it == entries_.end()) return;
    order_.erase(it->second.sequence);
    entries_.erase(it);
  }
  [[nodiscard]] const Entry* owed(const std::string& context_id,
                                  Topic topic = Topic::kInstances) const {
    const auto it = entries_.find({context_id, topic});
    return it == entries_.end() ? nullptr : &it->second;
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  bool hold_lease() override { return lease; }

  Result<std::vector<Entry>> read(std::uint64_t after, std::size_t limit) override {
    ++reads;
    if (read_fails) return unavailable("the disk is away");
    std::vector<Entry> found;
    for (auto it = order_.upper_bound(after); it != order_.end() && found.size() < limit; ++it) {
      const auto& entry = entries_.at(it->second);
      if (!entry.dead) found.push_back(entry);
    }
    if (const auto next = std::exchange(after_read, {})) next();
    return found;
  }

  Result<std::optional<Entry>> find(const std::string& context_id, Topic topic) override {
    if (find_fails) return unavailable("the disk is away");
    const auto* entry = owed(context_id, topic);
    if (entry == nullptr || entry->dead) return std::optional<Entry>();
    return std::optional<Entry>(*entry);
  }

  void settle(std::vector<notifier::Outcome> outcomes) override {
    if (outcomes.empty()) return;
    batches.push_back(outcomes.size());
    for (const auto& outcome : outcomes) {
      settled.push_back(outcome);
      const auto place = order_.find(outcome.sequence);
      if (place == order_.end() || place->second.first != outcome.context_id) continue;
      const auto it = entries_.find(place->second);
      if (outcome.kind == notifier::Outcome::Kind::kDelivered) {
        erase(outcome.context_id, it->second.topic);
        continue;
      }
      it->second.due_ms = outcome.due_ms;
      it->second.attempts = outcome.attempts;
      it->second.waited_ms = outcome.waited_ms;
      it->second.dead = outcome.kind == notifier::Outcome::Kind::kDead;
      it->second.last_error = outcome.error;
    }
  }

  bool lease = true;
  bool read_fails = false;
  bool find_fails = false;
  int reads = 0;
  std::function<void()> after_read;  // once: what is written right after a relay has read
  std::vector<std::size_t> batches;
  std::vector<notifier::Outcome> settled;

 private:
  const Clock& clock_;
  std::uint64_t sequence_ = 0;
  using Key = std::pair<std::string, Topic>;
  std::map<Key, Entry> entries_;
  std::map<std::uint64_t, Key> order_;
};

class ScriptedClient final : public http::AsyncClient {
 public:
  using Done = Callback<Result<http::Reply>>;

  void begin(http::OutgoingRequest request, Done done) override {
    for (const auto& [waiting, callback] : waiting_) {
      twice |= context_of(waiting.url) == context_of(request.url);
    }
    requests.push_back(request);
    waiting_.emplace_back(std::move(request), std::move(done));
    most_in_flight = std::max(most_in_flight, waiting_.size());
  }

  // Gives what was answered. Nothing ever happens by itself, so it does not wait.
  void poll(int timeout_ms) override {
    last_timeout_ms = timeout_ms;
    if (on_poll) on_poll(timeout_ms);
    for (auto& [done, reply] : std::exchange(replies_, {})) done(std::move(reply));
  }
  void wake() override { ++wakes; }

  // To the request that waits longest and whose URL starts so. False when there is none.
  bool answer(const std::string& url, Result<http::Reply> reply) {
    for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
      if (it->first.url.rfind(url, 0) != 0) continue;
      replies_.emplace_back(std::move(it->second), std::move(reply));
      waiting_.erase(it);
      return true;
    }
    return false;
  }
  bool answer(const std::string& url, int status) {
    http::Reply reply;
    reply.status = status;
    return answer(url, Result<http::Reply>(reply));
  }
  bool break_off(const std::string& url) {
    return answer(url, Result<http::Reply>(unavailable("connection refused")));
  }
  std::size_t answer_all(int status) {
    std::size_t answered = 0;
    while (answer("", status)) ++answered;
    return answered;
  }

  // Whoever waits is gone.
  void forget() {
    waiting_.clear();
    replies_.clear();
  }
  [[nodiscard]] std::size_t in_flight(const std::string& url = "") const {
    std::size_t count = 0;
    for (const auto& [request, done] : waiting_) count += request.url.rfind(url, 0) == 0 ? 1 : 0;
    return count;
  }

  std::vector<http::OutgoingRequest> requests;  // all that were begun
  std::size_t most_in_flight = 0;
  bool twice = false;  // one was begun while another of the same context was in flight
  int last_timeout_ms = -1;
  int wakes = 0;
  std::function<void(int)> on_poll;

 private:
  static std::string context_of(const std::string& url) { return url.substr(url.rfind('/')); }

  std::deque<std::pair<http::OutgoingRequest, Done>> waiting_;
  std::vector<std::pair<Done, Result<http::Reply>>> replies_;
};

// A relay between the two, at a time that stands still. Destinations are http://<name>.example.
struct RelayWorld {
  explicit RelayWorld(const notifier::RelayOptions& with = {})
      : options(with), relay(make_relay()) {}

  [[nodiscard]] std::unique_ptr<notifier::Relay> make_relay() {
    return std::make_unique<notifier::Relay>(outbox, client, date, clock, registry, options, 1);
  }
  // Another process takes over: nothing but the outbox is known, and the steady clock is another.
  void restart() {
    relay.reset();
    client.forget();
    clock.advance(-clock.now_ms() + 5'000);
    relay = make_relay();
  }
  // Time that really passes; the date alone is set by moving `date`.
  void advance(std::int64_t ms) {
    date.advance(ms);
    clock.advance(ms);
  }

  static std::string url(const std::string& name) { return "http://" + name + ".example/"; }

  notifier::OutboxEntry& put(const std::string& context_id, const std::string& name = "a",
                             notifier::Topic topic = notifier::Topic::kInstances) {
    return outbox.put(context_id, url(name) + context_id, topic);
  }
  // As the store does it: written, then the relay is woken.
  void put_and_turn(const std::string& context_id, const std::string& name = "a") {
    put(context_id, name);
    wake();
  }
  void wake() {
    relay->wake();
    relay->turn();
  }
  // `times` turns, each a millisecond later.
  void turns(int times) {
    for (int i = 0; i < times; ++i) {
      advance(1);
      relay->turn();
    }
  }
  void later(std::int64_t ms) {
    advance(ms);
    relay->turn();
  }
  // The reply arrives at the end of one turn, what follows from it happens in the next.
  void reply(const std::string& name, int status) {
    answered &= client.answer(url(name), status);
    turns(2);
  }
  void fail(const std::string& name) {
    answered &= client.break_off(url(name));
    turns(2);
  }
  [[nodiscard]] std::size_t sent() const { return client.requests.size(); }
  [[nodiscard]] const std::string& last_body() const { return client.requests.back().body; }

  ManualClock date{1'700'000'000'000};
  ManualClock clock{1'000'000};  // the steady one
  ScriptedOutbox outbox{date};
  ScriptedClient client;
  metrics::Registry registry;
  const notifier::RelayOptions options;
  std::unique_ptr<notifier::Relay> relay;
  bool answered = true;  // every reply had a request
};

}  // namespace mx2::test
