// The destinations of one λ, what is known of them, and the weights that follow.
//
// Tiers come first: the nearest one with a destination that can take calls gets them all, shared
// out by the policy. It overflows into the next, by a tenth more every 100 ms, while its calls have
// to queue, or most of them fail, or they take longer than `spill_percent` of what the next tier
// takes and `spill_ms` more; and takes back a fiftieth every 100 ms. What is judged are its calls:
// a sample tells for the time since the one before, a second at most, so that few calls lead as far
// as many. Of a tier without samples nothing changes; after n calls elsewhere, 100 in 3 s or 10 in
// `stale_ms`, it gets one in n, to be known again, and one that does not fail halves the failures
// that are remembered. Destinations that drain get calls only while there is no other.
//
// Shares become weights of 0 to 256, the largest 256. Of those that would get none, one has the
// least weight there is, 1: a call now and then tells how it is, and if all others fail the data
// plane sends calls there at once, before anybody here knows. It is one that nobody has measured
// lately, in turns of 300 calls and at least a second; else the best, unless it takes ten times as
// long as those in use.
//
// Pure but for its state; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/base/text.h"
#include "dispatcher/destinations.h"
#include "dispatcher/policy.h"

namespace mx2::dispatcher {

// Why calls of a λ go beyond a tier.
enum class Beyond : std::uint8_t {
  kTrial,        // nothing keeps them here: one now and then tells how others are
  kUnavailable,  // nobody here can take calls
  kQueue,        // they have to wait here,
  kFailures,     // most fail,
  kLatency,      // or take longer
};
inline constexpr EnumTexts<5> kBeyond{"trial", "unavailable", "queue", "failures", "latency"};

class Selector {
 public:
  struct State {
    Measured measured;
    bool up = true;  // as the data plane sees it; one behind TLS is not until it was seen
    int weight = 0;
    std::uint64_t calls = 0;   // that we heard of
    std::uint64_t errors = 0;  // of those
    long in_flight = 0;
    long queued = 0;
    std::int64_t explored_ms = -1'000'000;  // begin of its last turn as the one to try
  };

  // `policy` must outlive this.
  Selector(const Policy& policy, const SelectionOptions& options)
      : policy_(policy), options_(options) {}

  // Destinations that stay keep what is known of them.
  void update(const Lambda& lambda);
  // What follows is dropped, of a destination that has gone.
  void observe(const std::string& destination, const Sample& sample, bool queued,
               std::int64_t now_ms);
  // It had a call that was then made elsewhere.
  void failed(const std::string& destination, std::int64_t now_ms);
  // The caller has gone after sample.seconds without an answer. That is a failure, and true, if it
  // was a second and ten times what others took.
  bool abandoned(const std::string& destination, const Sample& sample, bool queued,
                 std::int64_t now_ms);
  // As the data plane sees it, or, not `checked`, assumes. True if that is new.
  bool set_up(const std::string& destination, bool up, bool checked = true);
  void set_counts(const std::string& destination, long in_flight, long queued);

  // In the order of the λ's destinations. Call it about every `period_ms` while calls go on.
  std::vector<int> weights(std::int64_t now_ms);
  // Whether weights() has not taken all into account yet: it changes the overflow each 100 ms only.
  [[nodiscard]] bool is_restless() const;

  // In the order of the λ's destinations.
  [[nodiscard]] const State& state(std::size_t i) const { return states_[i]; }
  [[nodiscard]] double spill(Tier tier) const {
    return overflows_[static_cast<std::size_t>(tier)].spill;
  }
  [[nodiscard]] Beyond why_beyond(Tier tier) const;

 private:
  using Indices = std::vector<std::size_t>;
  static constexpr std::size_t kTiers = 3;
  struct Overflow {
    double spill = 0;             // share of the tier's calls that the next one gets
    Beyond why = Beyond::kTrial;  // since it was last more
    std::int64_t sampled_ms = 0;
    std::uint64_t sampled_calls = 0;  // calls_ then
    void change(double by);
  };
  struct Heard {  // of a destination, since the last change of overflows
    bool sampled = false;
    bool queued = false;
  };

  void take(std::size_t i, const Sample& sample, std::int64_t now_ms);
  [[nodiscard]] std::vector<Indices> find_tiers() const;
  [[nodiscard]] Candidates candidates(const Indices& tier);
  [[nodiscard]] std::size_t tier_of(const Indices& tier) const;
  [[nodiscard]] std::size_t index_of(const std::string& destination) const;
  void assume(const std::vector<Indices>& tiers);
  void adjust_spill(const std::vector<Indices>& tiers, std::int64_t now_ms);
  void adjust_spill(Overflow& overflow, const Indices& tier, const Indices& next,
                    std::int64_t now_ms);
  [[nodiscard]] std::optional<Beyond> overflows(const Indices& tier, const Indices& next,
                                                std::int64_t now_ms) const;
  [[nodiscard]] bool is_silent(const Overflow& overflow, std::int64_t now_ms) const;
  [[nodiscard]] double kept(const Overflow& overflow, std::int64_t now_ms) const;
  void share_out(const std::vector<Indices>& tiers, std::int64_t now_ms);
  [[nodiscard]] State* unknown(const Indices& unused, std::int64_t now_ms);
  void stand_by(const std::vector<Indices>& tiers, std::int64_t now_ms);

  const Policy& policy_;
  const SelectionOptions options_;
  std::vector<Destination> destinations_;
  std::vector<State> states_;
  std::map<std::string, std::size_t> by_name_;
  std::array<Overflow, kTiers> overflows_;  // by tier
  std::vector<Heard> heard_;
  std::int64_t adjusted_ms_ = 0;
  std::uint64_t calls_ = 0;           // that we heard of
  std::string exploring_;             // destination that has its turn,
  std::uint64_t explored_calls_ = 0;  // and calls_ at its begin
  double bytes_ = 0;                  // of a call, on average
  double in_flight_ = 0;              // calls of the λ, likewise
};

}  // namespace mx2::dispatcher
