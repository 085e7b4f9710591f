// What life-cycle management asks of a MEC host: to start and stop λ there. One call is one request
// to the host's MEPM; what follows from the answers is decided elsewhere (orchestrator/lifecycle).
//
// Every call may be repeated: create() with the same key answers the same instance; starting what
// starts and ending what has ended are refused with kConflict or kNotFound, and change nothing.
// Source: ETSI GS MEC 010-2 V2.1.1 clause 7 (Mm3); cancel and fail of V3.1.1.
//
// Real: Mec010Driver. In tests: a simulated one, with delays and failures.
// Threads: one, but for wake(). Answers come from within poll(), never from within a call; errors
// are those of the peer, kUnavailable or kDeadlineExceeded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/base/callback.h"
#include "api/base/result.h"

namespace mx2::lcm {

// How long each phase of a start took, in ms; absent: not done yet, or not told.
struct StartTimes {
  std::optional<std::int64_t> fetch_ms;
  std::optional<std::int64_t> install_ms;
  std::optional<std::int64_t> start_ms;
  std::optional<std::int64_t> ready_ms;
};

// An app instance as its MEPM shows it.
struct Instance {
  std::string id;   // appInstanceId
  std::string key;  // that create() was given; of MEPMs that do not tell, appInstanceName
  std::string app_d_id;
  bool instantiated = false;
  bool started = false;       // it is ready and can be called
  std::string reference_uri;  // where, if it is instantiated
  std::string phase;  // absent, fetching, installed, allocated or deallocated; empty: not told
  std::int64_t restarts = 0;
  std::string last_error;
  StartTimes times;
};

// An operation that goes on at the MEPM.
struct Operation {
  enum class State : std::uint8_t { kRunning, kCompleted, kFailed };
  State state = State::kRunning;
  std::string error;       // kFailed: why
  bool temporary = false;  // kFailed: it holds its instance until fail() or retry
};

class LcmDriver {
 public:
  virtual ~LcmDriver() = default;

  // `mepm`: apiRoot of a MEPM, as its host's registration says.
  virtual void list(const std::string& mepm, Callback<Result<std::vector<Instance>>> answer) = 0;
  virtual void create(const std::string& mepm, const std::string& app_d_id, const std::string& key,
                      Callback<Result<Instance>> answer) = 0;
  // These two answer the identifier of an operation.
  virtual void instantiate(const std::string& mepm, const std::string& app_instance_id,
                           const std::string& host_id, Callback<Result<std::string>> answer) = 0;
  virtual void terminate(const std::string& mepm, const std::string& app_instance_id, int grace_s,
                         Callback<Result<std::string>> answer) = 0;
  virtual void operation(const std::string& mepm, const std::string& id,
                         Callback<Result<Operation>> answer) = 0;
  // What goes on is to end as failed; what is only held, at once.
  virtual void cancel(const std::string& mepm, const std::string& operation_id,
                      Callback<Result<void>> answer) = 0;
  virtual void fail(const std::string& mepm, const std::string& operation_id,
                    Callback<Result<void>> answer) = 0;
  virtual void remove(const std::string& mepm, const std::string& app_instance_id,
                      Callback<Result<void>> answer) = 0;

  // Sends and receives until something has happened, wake() is called, or the time is over.
  virtual void poll(int timeout_ms) = 0;
  virtual void wake() = 0;
};

}  // namespace mx2::lcm
