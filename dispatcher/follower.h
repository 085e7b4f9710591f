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
#include <set>
#include <string>
#include <vector>

#include "api/base/clock.h"
#include "api/orchestrator/feed.h"
#include "dispatcher/destinations.h"

namespace mx2::dispatcher {

// The addresses of a host's name, in text. Blocking.
using Resolve = std::function<std::vector<std::string>(const std::string&)>;
[[nodiscard]] std::vector<std::string> resolve_name(const std::string& name);

class Follower : private FeedReader {
 public:
  // All must outlive this. `changed` is called after world() has changed.
  Follower(http::Client& http, FeedAccess access, const Clock& clock, Resolve resolve,
           std::function<void()> changed);

  // Reads everything, or waits for changes, and tells them; then resolves names, for about a second
  // at most. An error means that it should be tried later.
  Result<void> step();

  // From any thread: what fails from now on is our own doing.
  void stop() { stopping_ = true; }

  // Null until it has been read once.
  [[nodiscard]] std::shared_ptr<const World> world() const;
  // Why it could not be read last time; empty: it could.
  [[nodiscard]] std::string problem() const;

 private:
  [[nodiscard]] Result<void> begin(const FeedClient::Mark& mark) override;
  [[nodiscard]] Result<void> take_item(const std::string& list, const json::Value& item) override;
  [[nodiscard]] Result<void> take_change(json::Value change) override;
  [[nodiscard]] Result<void> follow();
  void keep_addresses();
  [[nodiscard]] bool resolve_names();
  void publish();
  void note(const Result<void>& outcome);

  const FeedAccess access_;
  const Clock& clock_;
  const Resolve resolve_;
  const std::function<void()> changed_;
  Feed feed_;
  World known_;
  World reading_;                     // the lists, while they are read
  bool changed_here_ = false;         // by the changes told last
  std::set<std::string> to_resolve_;  // names
  std::int64_t resolve_all_ms_ = 0;   // due
  std::atomic<bool> stopping_{false};

  mutable std::mutex mutex_;
  std::shared_ptr<const World> world_;
  std::string problem_ = "not asked yet";
};

}  // namespace mx2::dispatcher
