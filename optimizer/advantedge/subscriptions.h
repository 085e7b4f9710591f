// Our subscriptions to zonal traffic at a sandbox's location service, which so tells us of UEs that
// move: one for each zone, looked after all the time, as the service forgets them with the
// scenario.
//
// Those of a process that was killed it never forgets by itself, and it notifies one after the
// other, under a lock and without a limit of time, so whoever comes next ends what is left. Ours
// are known by kCorrelator, wherever they were made: one with our callback but another tag is of a
// process that was here before us; one with another callback is left alone if an optimizer on a
// sandbox answers there (GET /health).
//
// Threads: step() and end() one at a time, by a thread that has nothing else to do, as the service
// may take its time; the others from any.
#pragma once

#include <cstdint>
#include <functional>
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
  void set_headers(const http::Headers& headers) { client_.set_headers(headers); }
  // Called, from any thread, when step() is due sooner than it said. Set it before anything else.
  void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }

  // Looks at them if that is due; then wait for so many milliseconds.
  [[nodiscard]] int step();
  [[nodiscard]] int next_step_ms() const;
  // Were they all there a moment ago? False without any.
  [[nodiscard]] bool confirmed() const;
  // Ends ours over `http`, as far as the service answers: lasts at most kEndMs and one request
  // more.
  static constexpr std::int64_t kEndMs = 400;
  void end(http::Client& http);

 private:
  using Subscription = SandboxClient::Subscription;
  [[nodiscard]] Result<void> look(const std::set<std::string>& zones);
  [[nodiscard]] Result<void> make(const std::set<std::string>& zones);
  [[nodiscard]] Result<void> end_left_over(const std::vector<Subscription>& others);
  [[nodiscard]] bool has_optimizer(const std::string& callback);

  SandboxClient client_;
  http::Client& probe_;
  const std::string callback_;  // empty: none
  const std::string tag_;
  const SteadyClock& clock_;
  std::function<void()> wake_ = [] {};
  bool in_trouble_ = false;    // of step() alone, as the next
  std::int64_t probe_ms_ = 0;  // when others are asked next

  mutable std::mutex mutex_;
  std::set<std::string> zones_;
  bool paused_ = true;
  bool made_some_ = false;                    // ever
  std::int64_t look_ms_ = 0;                  // when they are looked at next
  std::optional<std::int64_t> confirmed_ms_;  // when all were there last
};

}  // namespace mx2::optimizer::advantedge
