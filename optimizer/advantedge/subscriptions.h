// Our subscriptions to zonal traffic at a sandbox's location service, which so tells us of UEs that
// move: one for each zone, looked after all the time, as the service forgets them with the
// scenario.
//
// Those of a process that was killed it never forgets by itself, and it notifies one after the
// other, under a lock and without a limit of time, so whoever comes next ends what is left. Ours
// are known by kCorrelator, wherever they were made: one with our callback but another tag is of a
// process that was here before us, or is here still by mistake; one with another callback is left
// alone unless no optimizer on a sandbox answers there (GET /health) twice in a row. What cannot be
// ended is tried again at the next look, and keeps no moves from being told.
//
// Threads: step() and end() one at a time, by a thread that has nothing else to do, as the service
// may take its time; the others from any.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/base/clock.h"
#include "optimizer/advantedge/sandbox_client.h"

namespace mx2::optimizer::advantedge {

// The path of notifications, below the callback's root.
inline constexpr const char* kNotificationsPath = "/advantedge/notifications";
// The zone follows, after a colon.
inline constexpr const char* kCorrelator = "mx2-optimizer";

class Subscriptions {
 public:
  // `location` asks the location service, `probe` other optimizers. `callback_url` is the root of
  // the server that passes notifications on; if it is empty nothing is subscribed to. `tag`,
  // different in each process, is repeated in each notification. References must outlive this.
  Subscriptions(http::Client& location, http::Client& probe, SandboxAccess access,
                const std::string& callback_url, std::string tag, const SteadyClock& clock);

  // There is a scenario with these zones.
  void set_zones(std::set<std::string> zones);
  // There is none, or it is not known: nothing is looked at.
  void pause();
  // The same for good: nothing is said any more of what fails meanwhile. Then end().
  void stop();
  void set_headers(const http::Headers& headers) { client_.set_headers(headers); }
  // Called, from any thread, when step() is due sooner than it said. Set it before anything else.
  void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }

  // Looks at them if that is due; then wait for so many milliseconds.
  [[nodiscard]] int step();
  // Were they all there a moment ago? False without any.
  [[nodiscard]] bool confirmed() const;
  // Ends those of this process over `http`, as far as the service answers: lasts at most kEndMs and
  // one request more.
  static constexpr std::int64_t kEndMs = 400;
  void end(http::Client& http);

 private:
  using Subscription = SandboxClient::Subscription;
  struct LeftOver {
    std::vector<Subscription> here;       // at our callback
    std::vector<Subscription> elsewhere;  // at another
  };
  [[nodiscard]] int next_step_ms() const;
  [[nodiscard]] Result<LeftOver> look(const std::set<std::string>& zones);
  [[nodiscard]] Result<void> make(const std::set<std::string>& zones);
  void settle(const Result<LeftOver>& found, const std::set<std::string>& zones);
  [[nodiscard]] bool is_stopped() const;
  void tell_of_another(const std::vector<Subscription>& here);
  void end_all(const LeftOver& found);
  [[nodiscard]] std::vector<Subscription> of_nobody(const std::vector<Subscription>& others);
  [[nodiscard]] bool has_optimizer(const std::string& callback);

  SandboxClient client_;
  http::Client& probe_;
  const std::string callback_;  // empty: none
  const std::string tag_;
  const SteadyClock& clock_;
  std::function<void()> wake_ = [] {};
  // Of step() alone, down to the mutex.
  bool in_trouble_ = false;
  bool cannot_end_ = false;
  std::optional<std::set<std::string>> foreign_;  // ids at our callback, another's tag; last look
  bool told_of_another_ = false;
  std::int64_t probe_ms_ = 0;              // when others are asked next
  std::map<std::string, int> unanswered_;  // callback: probes that failed, in a row

  mutable std::mutex mutex_;
  std::set<std::string> zones_;
  bool paused_ = true;
  bool stopped_ = false;
  bool made_some_ = false;                    // ever
  std::int64_t look_ms_ = 0;                  // when they are looked at next
  std::optional<std::int64_t> confirmed_ms_;  // when all were there last
};

}  // namespace mx2::optimizer::advantedge
