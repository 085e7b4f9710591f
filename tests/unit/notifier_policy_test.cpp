// What an attempt means, and when the next one is.
#include "api/http/async_client.h"
#include "notifier/policy.h"
#include "tests/catch.h"

namespace mx2::notifier {
namespace {

using Kind = Outcome::Kind;

constexpr std::int64_t kNow = 10'000'000;

OutboxEntry entry_of_age(std::int64_t entry_ms, std::int64_t context_ms) {
  OutboxEntry entry;
  entry.written_ms = kNow - entry_ms;
  entry.created_ms = kNow - context_ms;
  return entry;
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
  for (const auto& hopeless : {invalid_argument("why"), forbidden(http::kNotAllowed, "why")}) {
    const auto verdict = judge(hopeless, entry, kNow, options);
    CHECK(verdict.kind == Kind::kDead);
    CHECK(verdict.error == "why");
  }
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
