// The results of a scenario's runs as files, one row for each seed, and as a few lines for people.
//   runs.csv   one run each: response times in milliseconds, shares, rates a second
//   cdf.csv    response times of all runs together: response_ms, share of calls within it
//   links.csv  bytes after the warm-up on each direction of a link between two cells, by seed
//   calls.csv  if asked for: every call after the warm-up, by seed
// Hosts and λ have the names that the scenario gives them; cells and UEs are cell-0, ue-0 and so
// on.
#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>

#include "api/base/result.h"
#include "emulator/results.h"
#include "emulator/scenario.h"
#include "emulator/simulation.h"

namespace mx2::emulator {

class Report {
 public:
  // Makes the directory. unavailable if it cannot be written. The scenario must outlive this.
  [[nodiscard]] static Result<Report> in(const std::string& directory, const Scenario& scenario,
                                         bool calls);

  // To be called before and after each run.
  void begin(std::uint64_t seed, Simulation& simulation);
  void add(std::uint64_t seed, const Results& results);
  // Writes what concerns all runs; unavailable if something could not be written.
  [[nodiscard]] Result<void> finish();
  void summarise(std::ostream& out) const;

 private:
  Report() = default;

  struct Files;
  std::shared_ptr<Files> files_;
  const Scenario* scenario_ = nullptr;
  Histogram response_;
  Moments mean_ms_;
  Moments p95_ms_;
  Moments p99_ms_;
  std::uint64_t calls_ = 0;
  std::uint64_t stale_ = 0;
  std::uint64_t failed_ = 0;
};

// The columns of runs.csv, and a run in them.
[[nodiscard]] const char* run_columns();
[[nodiscard]] std::string run_row(std::uint64_t seed, const Results& results);

}  // namespace mx2::emulator
