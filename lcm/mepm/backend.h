// Where instances run: the seam between the life cycle and what starts and stops λ on this host.
// Nothing here knows processes; containers and FaaS platforms fit behind it as well.
//
// Real: process::ProcessBackend. In tests: a simulated one.
//
// Threads: one, the MEPM's loop, calls everything. No call blocks; what they lead to is told by
// step(), in order. Instances are named by their appInstanceId.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/mec/app_lcm.h"
#include "api/mec/appd.h"

namespace mx2::mepm {

// A package that was fetched, verified and unpacked. Not changed and not removed while it is used.
struct InstalledPackage {
  std::string digest;  // SHA-256 of the archive
  std::string directory;
  AppDescriptor descriptor;
};

struct BackendEvent {
  enum class Kind : std::uint8_t {
    kReady,    // serves at `address`; after start(), and after each kDown
    kDown,     // does not serve; the back end is bringing it back
    kFailed,   // does not serve and will not: `cause` and `detail` say why; nothing of it runs
    kStopped,  // stop() is done: nothing of it runs
  };
  Kind kind = Kind::kReady;
  std::string instance_id;
  InstanceAddress address = {};  // kReady
  std::int64_t start_ms = 0;     // kReady: how long starting took,
  std::int64_t ready_ms = 0;     // and from there until it was ready
  std::string cause = {};        // kDown, kFailed: slug, e.g. "exited"
  std::string detail = {};       // for people
  bool temporary = false;        // kFailed: it may work when it is tried again
};

// What an instance uses and does; none: unknown.
struct InstanceUsage {
  std::optional<std::int64_t> in_flight;
  std::optional<double> request_rate;  // requests a second
  std::optional<double> p50_ms;
  std::optional<double> p95_ms;
};

class Backend {
 public:
  virtual ~Backend() = default;

  // Whether a package can run here at all, before anything is allocated.
  [[nodiscard]] virtual Result<void> accepts(const AppDescriptor& descriptor) const = 0;
  // kReady or kFailed follows. An instance that runs already, from before a restart of the MEPM, is
  // taken over as it is.
  virtual void start(const std::string& instance_id, const InstalledPackage& package) = 0;
  // kStopped follows, unless kFailed has come before. Graceful: the instance may finish what it
  // does, within the time its package says. What it has (address, files) stays.
  virtual void stop(const std::string& instance_id, bool graceful) = 0;
  // Frees all that a stopped or failed instance has.
  virtual void release(const std::string& instance_id) = 0;
  // The instance says itself that it is ready.
  virtual void confirm_ready(const std::string& instance_id) = 0;

  // What of an earlier life of the MEPM is still there, running or not.
  [[nodiscard]] virtual std::vector<std::string> survivors() = 0;
  [[nodiscard]] virtual InstanceUsage usage(const std::string& instance_id) const = 0;

  virtual void step(std::int64_t now_ms, std::vector<BackendEvent>& events) = 0;
  // When step() has something to do by itself, at the latest.
  [[nodiscard]] virtual std::int64_t next_due_ms() const = 0;
};

}  // namespace mx2::mepm
