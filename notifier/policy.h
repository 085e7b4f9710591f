// What an attempt means: delivered, to be tried again, or given up; when the next one is, and how
// many go to one destination at once. Pure functions and values.
//
// 2xx is delivered, whatever the body. 4xx is the receiver's last word, except 408, 425 and 429
// (later), and 400 and 404 while the context is so young that its device application may not have
// read its 201 yet. 3xx is not followed and means no, and a name that does not exist ends it, too,
// once it has been away for absent_name_ms: names of receivers that are started anew may come back.
// All else (5xx, no connection, no answer in time) is tried again, with exponential backoff and
// jitter of half of the delay, until the entry has waited for too long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "api/base/result.h"
#include "api/http/http.h"
#include "notifier/outbox.h"

namespace mx2::notifier {

struct RetryOptions {
  std::int64_t first_delay_ms = 500;          // doubled with each attempt
  std::int64_t delay_max_ms = 60'000;         // never longer
  std::int64_t give_up_after_ms = 3'600'000;  // of waiting while a notifier ran
  std::int64_t young_context_ms = 5'000;      // since the context was created
  std::int64_t absent_name_ms = 30'000;       // of waiting for a name that does not exist
};

// Of an entry, on a clock that does not follow the date. What the store keeps are dates, and the
// date may have been set meanwhile: a due time that is farther away than the longest delay is due
// now, nothing is older than the relay can know, and a context from the future is a young one.
struct Times {
  std::int64_t due_ms = 0;
  std::int64_t written_ms = 0;        // for people: how long it took
  std::int64_t waits_since_ms = 0;    // as if all its waiting had been without a break
  std::int64_t context_since_ms = 0;  // the context's creation
};
[[nodiscard]] Times times_of(const OutboxEntry& entry, std::int64_t date_ms, std::int64_t steady_ms,
                             const RetryOptions& options);

struct Verdict {
  Outcome::Kind kind = Outcome::Kind::kDelivered;
  bool reached = true;  // the destination itself works
  std::string error;    // a sentence; empty when delivered
};

[[nodiscard]] Verdict judge(const Result<http::Reply>& reply, const Times& times,
                            std::int64_t steady_ms, const RetryOptions& options);

// Milliseconds until attempt `attempts` + 1. `random`: uniform in [0, 1).
[[nodiscard]] std::int64_t delay_after(std::uint32_t attempts, double random,
                                       const RetryOptions& options);

struct PaceOptions {
  std::size_t first = 16;  // at once to a destination that nothing is known of
  std::size_t max = 64;
  std::int64_t prompt_ms = 250;  // a reply within this is prompt
};

// How many notifications may be on their way to one destination. The weakest real clients hang for
// good when more come than they have threads, without a sign before; so it is a few at first, and
// more only for a destination that answers promptly and has so much to come that it matters: one
// more each round of replies while kRoundsAhead rounds wait. Slow replies bring it back to `first`,
// failures halve it, down to one; from there each prompt reply is one more, up to `first`.
// Pattern: slow start and congestion avoidance (TCP, RFC 5681), with a pessimist's threshold.
class Pace {
 public:
  explicit Pace(const PaceOptions& options);

  static constexpr std::size_t kRoundsAhead = 16;

  [[nodiscard]] std::size_t at_once() const { return at_once_; }
  // `waiting`: what is to be sent after it.
  void replied(std::int64_t took_ms, std::size_t waiting, const PaceOptions& options);
  void failed();

 private:
  void grow(std::size_t waiting, const PaceOptions& options);

  std::size_t at_once_;
  std::size_t prompt_ = 0;  // replies in this round
};

// "scheme://host:port" in lower case, with the port that is meant: what fails or works as one.
[[nodiscard]] std::string destination_of(const std::string& url);

}  // namespace mx2::notifier
