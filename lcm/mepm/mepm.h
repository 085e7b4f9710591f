// One MEC platform manager, put together: life cycle, packages, notifications, the tie to the
// orchestrator and the endpoints, around a back end.
//
// Threads: one of its own does the work; the handler is called from any.
#pragma once

#include <mutex>
#include <string>

#include "api/base/worker.h"
#include "api/http/router.h"
#include "lcm/mepm/endpoints.h"
#include "lcm/mepm/host_load.h"
#include "lcm/mepm/options.h"

namespace mx2::mepm {

class Mepm {
 public:
  // All must outlive this.
  struct Needs {
    Backend& backend;
    http::AsyncClient& http;
    PackageServer& server;
    const SystemClock& clock;   // the date
    const SteadyClock& steady;  // all deadlines
    IdGenerator& ids;
    metrics::Registry& registry;
  };
  Mepm(const MepmOptions& options, const Needs& needs);
  // After the server's end: who looks up a package goes on in what goes here.
  ~Mepm() { packages_.stop(); }
  Mepm(const Mepm&) = delete;
  Mepm& operator=(const Mepm&) = delete;

  [[nodiscard]] http::Handler& handler() { return router_; }
  // Where others reach the handler, e.g. "http://10.0.0.1:8090"; before recover().
  void set_root(const std::string& root);
  // Takes over what an earlier life left; once, before start().
  void recover();
  void start();
  void stop() { worker_.stop(); }
  // Ends what runs, at once; after stop(). The next start starts it again.
  void end_instances();

 private:
  void step();
  [[nodiscard]] int wait_ms() const;
  [[nodiscard]] std::string load();
  [[nodiscard]] json::Value health() const;
  void look_at_itself();
  void tell_known();

  Needs needs_;
  MepmOptions options_;
  StateDir state_;
  Notifications notifications_;
  PackageCache packages_;
  Lifecycle lifecycle_;
  HostMeter meter_;
  OrchestratorLink link_;
  Api api_;
  http::Router router_;
  std::int64_t look_due_ms_ = 0;
  mutable std::mutex health_mutex_;
  std::string link_state_;
  std::string link_error_;
  OrchestratorLink::Known known_;
  Worker worker_;
};

}  // namespace mx2::mepm
