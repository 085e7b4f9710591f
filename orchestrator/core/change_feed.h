// What changes, in order, for those who keep a replica: the Optimizer reads everything once and
// then follows. The last changes are kept in memory, as many as fit, and only while somebody
// follows; whoever falls behind, or comes from an earlier life of this process, is told so and
// reads everything again.
//
// Replicas may see a change twice (in a list and in the feed), so changes are what is now, never
// differences.
// Pattern: the watch of etcd and Kubernetes, with resource versions and "410 Gone".
//
// Threads: any. One thread of its own answers those who wait, so publish() never does more than
// take a mutex.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "api/base/callback.h"
#include "api/base/result.h"
#include "api/base/worker.h"
#include "api/operator/types.h"
#include "orchestrator/store/store.h"

namespace mx2 {

struct ContextChanged {
  ContextPlace place;
};
struct ContextEnded {
  std::string context_id;
};
struct HostChanged {
  std::shared_ptr<const Host> host;
};
struct HostRemoved {
  std::string id;
};
struct HostReported {
  std::string id;
  std::shared_ptr<const HostLoad> load;
};
struct AppChanged {
  std::shared_ptr<const App> app;
};
struct AppRemoved {
  std::string app_d_id;
};
using Change = std::variant<ContextChanged, ContextEnded, TableChange, HostChanged, HostRemoved,
                            HostReported, AppChanged, AppRemoved>;

// About what one takes in memory, and in an answer.
[[nodiscard]] std::size_t bytes_of(const Change& change);

struct ChangeFeedOptions {
  std::size_t changes_max = 500'000;                    // kept
  std::size_t bytes_max = std::size_t{256} << 20U;      // likewise
  std::size_t poll_bytes_max = std::size_t{16} << 20U;  // of one answer, the first change apart
  std::size_t waiting_max = 64;                         // polls that wait at once
  int unfollowed_ms = 120'000;  // so long after the last poll changes are kept
};

class ChangeFeed {
 public:
  // Of changes; grows by one with each; those of another life of the process are others.
  using Position = std::uint64_t;
  struct News {
    Position position = 0;  // after these changes
    std::vector<Change> changes;
  };
  static constexpr std::size_t kChangesPerPoll = 10'000;

  // `first`: where positions begin, far from where those of an earlier life ended.
  ChangeFeed(const ChangeFeedOptions& options, std::int64_t first);
  ~ChangeFeed();
  ChangeFeed(const ChangeFeed&) = delete;
  ChangeFeed& operator=(const ChangeFeed&) = delete;

  // Almost free while nobody follows.
  void publish(Change change);
  // Whether publish() would keep anything, for those to whom making a Change is work; they skip()
  // it, so that who comes back from being away too long is told so.
  [[nodiscard]] bool followed() const { return followed_; }
  void skip();

  // The present position. From now on changes are kept.
  [[nodiscard]] Position follow();
  // Answers with the changes after `since`, as soon as there are any or the time is over; gone when
  // they are not kept any more, too_many when too many wait, unavailable after close().
  void poll(Position since, std::chrono::milliseconds wait, Callback<Result<News>> answer);
  // Answers those who wait with unavailable, and takes no more. Idempotent.
  void close();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Waiting {
    Position since;
    Time deadline;
    Callback<Result<News>> answer;
  };

  struct Kept {
    Change change;
    std::size_t bytes = 0;
  };

  [[nodiscard]] Position end() const { return first_ + kept_.size(); }
  // What it forgets, to be freed without the mutex.
  [[nodiscard]] std::deque<Kept> forget_if_unfollowed(Time now);
  Time step(Time now);
  void answer_all(std::vector<Waiting> due);
  [[nodiscard]] Result<News> news_since(Position since);
  [[nodiscard]] std::vector<Waiting> take_due(Time now);

  const ChangeFeedOptions options_;
  mutable std::mutex mutex_;
  Position first_;         // of kept_
  std::deque<Kept> kept_;  // changes after position first_, first_ + 1, …
  std::size_t kept_bytes_ = 0;
  std::atomic<bool> followed_ = false;  // written under the mutex
  Time last_poll_;
  std::vector<Waiting> waiting_;
  bool closed_ = false;
  Worker worker_;
};

}  // namespace mx2
