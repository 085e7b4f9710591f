// What an attempt means, and when the next one is.
#include <map>

#include "api/http/async_client.h"
#include "notifier/policy.h"
#include "tests/catch.h"

namespace mx2::notifier {
namespace {

using Kind = Outcome::Kind;

constexpr std::int64_t kNow = 10'000'000;

Times entry_of_age(std::int64_t entry_ms, std::int64_t context_ms) {
  Times times;
  times.waits_since_ms = kNow - entry_ms;
  times.context_since_ms = kNow - context_ms;
  return times;
}

Result<http::Reply> status(int code) {
  http::Reply reply;
  reply.status = code;
  return reply;
}

TEST_CASE("policy: statuses", "[notifier]") {
  struct Row {
    int status;
    Kind old_context;
    Kind young_context;
    bool reached;
  };
  for (const auto& row : {
           Row{200, Kind::kDelivered, Kind::kDelivered, true},
           Row{202, Kind::kDelivered, Kind::kDelivered, true},
           Row{204, Kind::kDelivered, Kind::kDelivered, true},
           Row{299, Kind::kDelivered, Kind::kDelivered, true},
           Row{300, Kind::kDead, Kind::kDead, true},
           Row{301, Kind::kDead, Kind::kDead, true},
           Row{307, Kind::kDead, Kind::kDead, true},
           Row{400, Kind::kDead, Kind::kRetry, true},
           Row{401, Kind::kDead, Kind::kDead, true},
           Row{404, Kind::kDead, Kind::kRetry, true},
           Row{408, Kind::kRetry, Kind::kRetry, true},
           Row{410, Kind::kDead, Kind::kDead, true},
           Row{425, Kind::kRetry, Kind::kRetry, true},
           Row{429, Kind::kRetry, Kind::kRetry, true},
           Row{499, Kind::kDead, Kind::kDead, true},
           Row{500, Kind::kRetry, Kind::kRetry, false},
           Row{503, Kind::kRetry, Kind::kRetry, false},
           Row{599, Kind::kRetry, Kind::kRetry, false},
       }) {
    CAPTURE(row.status);
    const RetryOptions options;
    const auto old = judge(status(row.status), entry_of_age(0, 5000), kNow, options);
    CHECK(old.kind == row.old_context);
    CHECK(old.reached == row.reached);
    CHECK(old.error.empty() == (row.old_context == Kind::kDelivered));
    CHECK(judge(status(row.status), entry_of_age(0, 4999), kNow, options).kind ==
          row.young_context);
  }
}

TEST_CASE("policy: no answer", "[notifier]") {
  const RetryOptions options;
  const auto entry = entry_of_age(0, 0);
  for (const auto code :
       {ErrorCode::kUnavailable, ErrorCode::kDeadlineExceeded, ErrorCode::kTooLarge}) {
    const auto verdict = judge(Error{code, "why", {}, {}, {}, 0}, entry, kNow, options);
    CHECK(verdict.kind == Kind::kRetry);
    CHECK_FALSE(verdict.reached);
    CHECK(verdict.error == "why");
  }
  const Error no_name{ErrorCode::kUnavailable, "why", {}, http::kImpossibleName, {}, 0};
  for (const auto& hopeless :
       {invalid_argument("why"), forbidden(http::kNotAllowed, "why"), no_name}) {
    const auto verdict = judge(hopeless, entry, kNow, options);
    CHECK(verdict.kind == Kind::kDead);
    const bool guarded = hopeless.code == ErrorCode::kForbidden;
    CHECK(verdict.error == (guarded ? "why; notifier.allow does not have it" : "why"));
  }
}

TEST_CASE("policy: a name may be away for a moment", "[notifier]") {
  const RetryOptions options;
  const Error away{ErrorCode::kUnavailable, "why", {}, http::kNoSuchName, {}, 0};
  const auto soon = judge(away, entry_of_age(options.absent_name_ms - 1, 0), kNow, options);
  CHECK(soon.kind == Kind::kRetry);
  CHECK_FALSE(soon.reached);
  const auto late = judge(away, entry_of_age(options.absent_name_ms, 0), kNow, options);
  CHECK(late.kind == Kind::kDead);
  CHECK_FALSE(late.reached);
}

TEST_CASE("policy: tried until the entry is too old", "[notifier]") {
  RetryOptions options;
  options.give_up_after_ms = 1000;
  CHECK(judge(status(503), entry_of_age(999, 0), kNow, options).kind == Kind::kRetry);
  CHECK(judge(status(503), entry_of_age(1000, 0), kNow, options).kind == Kind::kDead);
  CHECK(judge(status(404), entry_of_age(1000, 0), kNow, options).kind == Kind::kDead);
  CHECK(judge(unavailable("x"), entry_of_age(1000, 0), kNow, options).kind == Kind::kDead);
  CHECK(judge(status(204), entry_of_age(1000, 0), kNow, options).kind == Kind::kDelivered);
}

TEST_CASE("policy: delays double up to the longest, and never end at once", "[notifier]") {
  const RetryOptions options;
  std::int64_t longest = options.first_delay_ms;
  for (std::uint32_t attempts = 1; attempts < 100; ++attempts) {
    CAPTURE(attempts);
    CHECK(delay_after(attempts, 0.0, options) == longest / 2);
    CHECK(delay_after(attempts, 1.0, options) == longest);
    longest = std::min(longest * 2, options.delay_max_ms);
  }
  CHECK(delay_after(0, 1.0, options) == options.first_delay_ms);
  CHECK(delay_after(4'000'000'000, 1.0, options) == options.delay_max_ms);
}

TEST_CASE("policy: dates are believed as far as they can be true", "[notifier][clock]") {
  constexpr std::int64_t kDate = 1'700'000'000'000;
  constexpr std::int64_t kHour = 3'600'000;
  const RetryOptions options;
  OutboxEntry entry;
  entry.attempts = 3;  // so it waits for 2 s at most
  entry.waited_ms = 70'000;
  entry.written_ms = kDate - 90'000;
  entry.created_ms = kDate - kHour;
  for (const auto& [due_ms, expected] : std::map<std::int64_t, std::int64_t>{
           {0, 0}, {-kHour, 0}, {1500, 1500}, {2000, 2000}, {2001, 0}, {kHour, 0}}) {
    CAPTURE(due_ms);
    entry.due_ms = kDate + due_ms;
    CHECK(times_of(entry, kDate, kNow, options).due_ms == kNow + expected);
  }
  const auto times = times_of(entry, kDate, kNow, options);
  CHECK(times.waits_since_ms == kNow - 70'000);
  CHECK(times.written_ms == kNow - 90'000);
  CHECK(times.context_since_ms == kNow - kHour);
  const auto early = times_of(entry, 86'400'000, kNow, options);  // the second day of 1970
  CHECK(early.due_ms == kNow);
  CHECK(early.waits_since_ms == kNow - 70'000);
  CHECK(early.written_ms == kNow);
  CHECK(early.context_since_ms == kNow);
}

TEST_CASE("pace: one more each round, while it answers promptly and much waits", "[notifier]") {
  const PaceOptions options;
  Pace pace(options);
  CHECK(pace.at_once() == options.first);
  const auto round = [&](std::int64_t took_ms, std::size_t waiting) {
    for (auto left = pace.at_once(); left > 0; --left) pace.replied(took_ms, waiting, options);
    return pace.at_once();
  };
  CHECK(round(options.prompt_ms, 16 * 16) == 16);
  CHECK(round(options.prompt_ms, 16 * 16 + 1) == 17);
  CHECK(round(options.prompt_ms + 1, 100'000) == 16);
  CHECK(round(options.prompt_ms + 1, 100'000) == 16);
  for (int i = 0; i < 100; ++i) static_cast<void>(round(1, 100'000));
  CHECK(pace.at_once() == options.max);
}

TEST_CASE("pace: failures halve it, down to one; then it comes back to where it began",
          "[notifier]") {
  const PaceOptions options;
  Pace pace(options);
  for (const std::size_t expected : {8, 4, 2, 1, 1}) {
    pace.failed();
    CHECK(pace.at_once() == expected);
  }
  for (std::size_t expected = 2; expected <= options.first; ++expected) {
    pace.replied(1, 0, options);
    CHECK(pace.at_once() == expected);
  }
  pace.replied(1, 0, options);
  CHECK(pace.at_once() == options.first);
}

TEST_CASE("pace: never more than the most, also at first", "[notifier]") {
  const PaceOptions options{16, 4, 250};
  Pace pace(options);
  CHECK(pace.at_once() == 4);
  for (int i = 0; i < 100; ++i) pace.replied(1, 100'000, options);
  CHECK(pace.at_once() == 4);
}

TEST_CASE("policy: what fails or works as one", "[notifier]") {
  struct Row {
    const char* url;
    const char* destination;
  };
  for (const auto& row : {
           Row{"http://Ue.Example/a/b", "http://ue.example:80"},
           Row{"http://ue.example:80", "http://ue.example:80"},
           Row{"HTTP://ue.example:8080/x:y", "http://ue.example:8080"},
           Row{"https://ue.example", "https://ue.example:443"},
           Row{"https://ue.example?q=http://other:1/", "https://ue.example:443"},
           Row{"http://ue.example#a", "http://ue.example:80"},
           Row{"http://[2001:DB8::1]/x", "http://[2001:db8::1]:80"},
           Row{"http://[2001:db8::1]:81/x", "http://[2001:db8::1]:81"},
           Row{"https://[::1]", "https://[::1]:443"},
           Row{"http://user:secret@ue.example/x", "http://ue.example:80"},
           Row{"http://user@ue.example:81/@", "http://ue.example:81"},
           Row{"nothing", "nothing"},
           Row{"", ""},
       }) {
    CHECK(destination_of(row.url) == row.destination);
  }
}

}  // namespace
}  // namespace mx2::notifier
