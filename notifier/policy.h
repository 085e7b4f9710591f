// What an attempt means: delivered, to be tried again, or given up. Pure functions.
//
// 2xx is delivered, whatever the body. 4xx is the receiver's last word, except 408, 425 and 429
// (later), and 400 and 404 while the context is so young that its device application may not have
// read its 201 yet. 3xx is not followed and means no. All else (5xx, no connection, no answer in
// time) is tried again, with exponential backoff and full jitter, until the entry is too old.
#pragma once

#include <cstdint>
#include <string>

#include "api/base/result.h"
#include "api/http/http.h"
#include "notifier/outbox.h"

namespace mx2::notifier {

struct RetryOptions {
  std::int64_t first_delay_ms = 500;          // doubled with each attempt
  std::int64_t delay_max_ms = 60'000;         // never longer
  std::int64_t give_up_after_ms = 3'600'000;  // since the entry was written
  std::int64_t young_context_ms = 5'000;      // since the context was created
};

struct Verdict {
  Outcome::Kind kind = Outcome::Kind::kDelivered;
  bool reached = true;  // the destination itself works
  std::string error;    // a sentence; empty when delivered
};

[[nodiscard]] Verdict judge(const Result<http::Reply>& reply, const OutboxEntry& entry,
                            std::int64_t now_ms, const RetryOptions& options);

// Milliseconds until attempt `attempts` + 1. `random`: uniform in [0, 1).
[[nodiscard]] std::int64_t delay_after(std::uint32_t attempts, double random,
                                       const RetryOptions& options);

// "scheme://host:port" in lower case, with the port that is meant: what fails or works as one.
[[nodiscard]] std::string destination_of(const std::string& url);

}  // namespace mx2::notifier
