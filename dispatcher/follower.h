// Keeps up with the orchestrator: hosts, their instances and the catalogue, from its lists and its
// change feed. When it cannot be reached, what is known stays.
//
// Threads: step() is for one; the rest for any.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "api/base/clock.h"
#include "api/http/http_client.h"
#include "api/json/json.h"
#include "dispatcher/destinations.h"

namespace mx2::dispatcher {

// The address of a host's name, in text; empty if there is none. Blocking.
using Resolve = std::function<std::string(const std::string&)>;
[[nodiscard]] std::string resolve_name(const std::string& name);

class Follower {
 public:
  // All must outlive this. `changed` is called after world() has changed.
  Follower(http::Client& http, OrchestratorAccess access, const Clock& clock, Resolve resolve,
           std::function<void()> changed);

  // Reads everything, or waits for changes; an error means that it should be tried later.
  Result<void> step();

  // From any thread: what fails from now on is our own doing.
  void stop() { stopping_ = true; }

  // Null until it has been read once.
  [[nodiscard]] std::shared_ptr<const World> world() const;
  // Why it could not be read last time; empty: it could.
  [[nodiscard]] std::string problem() const;

 private:
  [[nodiscard]] Result<json::Value> get(const std::string& path);
  [[nodiscard]] Result<void> each(const std::string& list,
                                  const std::function<Result<void>(const json::Value&)>& use);
  [[nodiscard]] Result<void> read_all();
  [[nodiscard]] Result<void> follow();
  [[nodiscard]] Result<bool> apply(json::Value change);
  void resolve_names();
  void publish();
  void note(const Result<void>& outcome);

  http::Client& http_;
  const OrchestratorAccess access_;
  const Clock& clock_;
  const Resolve resolve_;
  const std::function<void()> changed_;
  World known_;
  std::uint64_t position_ = 0;
  bool synchronised_ = false;
  std::int64_t resolved_ms_ = 0;
  std::atomic<bool> stopping_{false};

  mutable std::mutex mutex_;
  std::shared_ptr<const World> world_;
  std::string problem_ = "not asked yet";
};

}  // namespace mx2::dispatcher
