// HAProxy, as the control plane sees it: λ with weighted destinations are put and removed, and it
// follows. What the Runtime API can do is done at once; a λ that the running configuration does not
// know takes a new configuration and a reload, in which no call is lost. HAProxy is started again
// when it ends. A λ for whom HAProxy refuses a configuration is set aside until it changes.
//
// One thread, which must live as long as this.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "api/base/metrics.h"
#include "dispatcher/command_socket.h"
#include "dispatcher/haproxy_config.h"
#include "dispatcher/layout.h"
#include "dispatcher/process.h"
#include "dispatcher/set_aside.h"

namespace mx2::dispatcher {

class DataPlane {
 public:
  // `directory` exists and is ours. All must outlive this.
  DataPlane(const DispatcherOptions& options, std::string directory, const Listener& listener,
            metrics::Registry& registry);
  DataPlane(const DataPlane&) = delete;
  DataPlane& operator=(const DataPlane&) = delete;

  // Takes effect with the next step(). `weights`: as many as the λ has destinations.
  void put(const Lambda& lambda, const std::vector<int>& weights);
  void remove(const std::string& app_d_id);

  // Whether all λ have been put that there are; false until it is said.
  void set_complete() { wanted_.complete = true; }

  // Starts, supervises, sends what was put, reloads when it must.
  void step(std::int64_t now_ms);
  void stop(int grace_ms) { process_.stop(grace_ms); }

  // Whether calls are being dispatched.
  [[nodiscard]] bool is_ready() const { return serving_ > 0 && running_.complete; }
  [[nodiscard]] int generation() const { return serving_; }
  // Why a λ is set aside, in HAProxy's words; empty: it is not.
  [[nodiscard]] std::string refusal(const std::string& app_d_id) const {
    return set_aside_.reason(app_d_id);
  }
  [[nodiscard]] std::size_t count_refused() const { return set_aside_.size(); }
  // What HAProxy says of the servers of these backends; those it does not know are passed over.
  [[nodiscard]] std::vector<ServerState> look(const std::vector<std::string>& backends) const;

 private:
  struct Pending {  // a configuration that is being loaded
    int generation = 0;
    Layout layout;
    std::int64_t begun_ms = 0;
    std::set<std::string> changed = {};  // appDIds, meanwhile
    bool looked_into = false;            // why it is not taken
  };

  void drop(const std::string& app_d_id);
  [[nodiscard]] bool set_aside_refused();
  void listen();
  void tell_why() const;
  void supervise(std::int64_t now_ms);
  void start(std::int64_t now_ms);
  void reload(std::int64_t now_ms);
  void look_whether_loaded(std::int64_t now_ms);
  void try_again(std::int64_t now_ms);
  [[nodiscard]] std::int64_t reload_interval(std::int64_t now_ms);
  [[nodiscard]] Result<void> write_files(std::int64_t now_ms);
  void send_changes();
  void delete_leaving(std::int64_t now_ms);
  void take_over(const std::string& app_d_id, bool all);
  [[nodiscard]] std::string master_socket() const { return directory_ + "/master"; }

  const DispatcherOptions& options_;
  const std::string directory_;
  Process process_;
  metrics::Counter& starts_;
  metrics::Counter& reloads_;
  metrics::Counter& commands_;
  metrics::Gauge& refused_;

  std::set<std::string> apps_;  // appDIds that were put
  SetAside set_aside_;
  Layout wanted_;
  Layout running_;
  std::set<std::string> changed_;  // appDIds
  std::set<std::string> leaving_;  // servers that are deleted when they are idle
  std::string asked_last_;         // of those
  std::size_t servers_ = 0;        // of the configuration that was written last
  int generation_ = 0;             // last that was written
  int serving_ = 0;                // that answers; 0: none
  std::optional<Pending> pending_;
  bool needs_reload_ = false;
  std::int64_t reload_due_ms_ = 0;
  std::int64_t reload_pause_ms_ = 0;      // after one that failed
  std::deque<std::int64_t> reloaded_ms_;  // while their old processes may live
  std::deque<std::string> said_;          // by HAProxy, last, since a configuration was written
  std::string not_started_;               // why, last time; empty: it was
  std::int64_t start_due_ms_ = 0;
  std::int64_t start_pause_ms_ = 0;
  std::int64_t started_ms_ = 0;
  std::int64_t delete_due_ms_ = 0;
};

}  // namespace mx2::dispatcher
