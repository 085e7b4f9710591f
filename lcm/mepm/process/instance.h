// An instance of the process back end; of its .cpp files alone.
#pragma once

#include <cstdint>
#include <string>

#include "lcm/mepm/process/process_backend.h"

namespace mx2::mepm::process {

enum class State : std::uint8_t {
  kFound,     // left by an earlier life of ours
  kStarting,  // runs; not ready yet
  kReady,
  kWaiting,  // for its next start
  kEnding,   // must end, for `end`
  kStopped,  // or failed: has its place, and no processes
};

// What becomes of an instance when all its processes are gone.
enum class End : std::uint8_t {
  kStart,    // anew: it was left by an earlier life of ours before it was ready
  kRestart,  // or failure, if it was too often
  kStop,
  kRelease,
};

struct ProcessBackend::Instance {
  InstalledPackage package;
  Place place;
  State state = State::kStopped;
  Fd pidfd;
  std::uint64_t token = 0;
  std::vector<int> cpus;

  std::int64_t due_ms = 0;       // probe, start, or SIGKILL
  std::int64_t deadline_ms = 0;  // kStarting: must be ready by then
  int probe_ms = 0;
  bool probing = false;

  std::int64_t asked_ms = 0;     // when it was to start
  std::int64_t launched_ms = 0;  // when it ran
  std::int64_t ready_ms = 0;
  int failures = 0;                // in a row
  bool was_ready = false;          // since it was to start
  std::uint64_t memory_kills = 0;  // of its group, when it was started

  End end = End::kRestart;
  bool ended = false;  // its process; others of it may still be there
  std::string cause;   // why it ends, if we know better than its exit status
  std::string detail;

  InstanceUsage usage;
  std::int64_t stats_due_ms = 0;
  std::int64_t requests = -1;  // at requests_ms
  std::int64_t requests_ms = 0;
  bool asking = false;

  [[nodiscard]] const ProcessDescriptor& process() const { return *package.descriptor.process; }
};

// "exited with status 3", and what it said last.
[[nodiscard]] std::string describe_end(int pidfd, const std::string& log_file);
// {"requests","in_flight","p50_ms","p95_ms"}, each if it is there.
void read_stats(const std::string& body, std::int64_t now_ms, InstanceUsage& usage,
                std::int64_t& requests, std::int64_t& requests_ms);

}  // namespace mx2::mepm::process
