// Keeps up with the orchestrator: hosts, their instances and the catalogue, from its lists and its
// change feed; and says which names in them need addresses. When it cannot be reached, what is
// known stays.
//
// Threads: step() is for one; the rest for any.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/orchestrator/feed.h"
#include "dispatcher/destinations.h"
#include "dispatcher/names.h"

namespace mx2::dispatcher {

class Follower : private FeedReader {
 public:
  // All must outlive this. `changed` is called after what the orchestrator says has changed, but
  // for addresses; it only takes note.
  Follower(http::Client& http, FeedAccess access, Names& names, std::function<void()> changed);

  // Reads everything, or waits for changes, and tells them. An error means that it should be tried
  // later.
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
  void publish();
  void note(const Result<void>& outcome);

  const FeedAccess access_;
  const std::function<void()> changed_;
  Names& names_;
  Feed feed_;
  World known_;
  World reading_;              // the lists, while they are read
  bool changed_here_ = false;  // by the changes told last
  std::atomic<bool> stopping_{false};

  mutable std::mutex mutex_;
  mutable std::shared_ptr<const World> world_;
  mutable std::uint64_t names_version_ = 0;  // of the addresses in world_
  std::string problem_ = "not asked yet";
};

}  // namespace mx2::dispatcher
