// Time as a dependency, of two kinds that the types tell apart:
//
// SteadyClock for whatever is waited for or measured: deadlines, leases, retries, periods,
// averages, ages. It does not follow the date when that is set, and means nothing to another
// process. SystemClock for what people read and what must survive a restart. It may step, back as
// well; who compares with what it said before says what a step does.
//
// Take the one that is needed, so that the other cannot be given. Tests move one
// that is both (tests/support/manual_clock.h); where the two matter, they have one for each.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace mx2 {

// What a SteadyClock says at that moment.
[[nodiscard]] inline std::int64_t to_ms(std::chrono::steady_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

// Of either kind: for who hands it on, or only measures what nothing depends on.
class Clock {
 public:
  virtual ~Clock() = default;
  // Milliseconds since a moment that depends on the kind. Callable from any thread.
  [[nodiscard]] virtual std::int64_t now_ms() const = 0;
};

// Since 1970-01-01T00:00:00Z.
class SystemClock : public virtual Clock {
 public:
  [[nodiscard]] std::int64_t now_ms() const override {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
  }
};

// Since some moment, mostly the machine's start.
class SteadyClock : public virtual Clock {
 public:
  [[nodiscard]] std::int64_t now_ms() const override {
    return to_ms(std::chrono::steady_clock::now());
  }
};

// "2026-01-31T12:00:00.250Z"
[[nodiscard]] std::string format_utc(std::int64_t ms_since_epoch);

}  // namespace mx2
