// Which of several domains to call. Pure: time is given, nothing is asked. Not for several threads
// at once.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace mx2::device {

class DomainRanking {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Latency = std::chrono::microseconds;

  static constexpr std::chrono::milliseconds kPenaltyFirst{1000};
  static constexpr std::chrono::milliseconds kPenaltyMax{30000};

  // `gain`: the share by which another domain must be faster than the current one to follow it.
  DomainRanking(std::size_t count, double gain) : domains_(count), gain_(gain) {}

  // A round trip to its endpoint; nothing: it did not answer, or has none. An answer confirms the
  // domain, unless it has failed a call so lately that its penalty is not over.
  void measured(std::size_t domain, std::optional<Latency> latency, Time now);
  // A call, which tells more than a measurement: good ones end the penalty, others begin one. Calls
  // that began before the end of a penalty tell of the same incident and do not make it longer.
  void called(std::size_t domain, bool good, Time began, Time now);

  [[nodiscard]] std::optional<std::size_t> current() const { return current_; }
  // The confirmed ones, in the order in which to try them: the current one first.
  [[nodiscard]] std::vector<std::size_t> order() const;
  [[nodiscard]] bool is_confirmed(std::size_t domain) const { return domains_[domain].confirmed; }
  // Smoothed; zero: not measured yet.
  [[nodiscard]] Latency latency(std::size_t domain) const { return domains_[domain].latency; }

 private:
  struct Domain {
    bool confirmed = false;
    Latency latency{0};
    std::chrono::milliseconds penalty{0};
    Time left_alone_until;
  };

  void choose();
  [[nodiscard]] bool is_faster(std::size_t a, std::size_t b) const;

  std::vector<Domain> domains_;
  const double gain_;
  std::optional<std::size_t> current_;
};

}  // namespace mx2::device
