// The embedded back end: an instance is an executable of its package, as a process of this host.
//
// It gets a directory, a port, and, if we are root, a user of its own; no new privileges, no
// inherited descriptors, a clean environment, a session, and a control group where the host lets us
// have one. Limits: address space, open files, size of a file, processes (its group's or its
// user's), and as many CPUs as its descriptor says (affinity: those CPUs are shared with whoever
// else is put there; with as many as there are, no limit). Its memory (anonymous, tmpfs, memfd),
// processes and log are looked at every `watch_ms`: more memory than its descriptor says ends it;
// a group's limit is half as much again, for what grows faster than we look.
//
// Ready is who answers 2xx at readyPath, or says confirm_ready where there is no such path. Whoever
// ends is started again on the same port, at once the first time and then with growing distance;
// who fails too often without having been well for a while has failed. Everything of it
// ends with it: its group, or else its user or session.
//
// Instances do not notice when the MEPM ends: they are no children that must be kept, and write to
// files. survivors() finds them again by pid, start time and boot of the machine. Where their
// orphans become children of ours (as the init of a container), they are reaped.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/base/clock.h"
#include "api/http/async_client.h"
#include "lcm/mepm/backend.h"
#include "lcm/mepm/process/pid_watch.h"
#include "lcm/mepm/process/place.h"
#include "lcm/mepm/process/spawn.h"

namespace mx2::mepm::process {

// What instances are told of the host and its orchestrator, in their environment (api/mec/appd.h).
struct Surroundings {
  std::string host_id;
  // The apps (appDIds) whose instances are told of the operator API, and given the operators'
  // token, in a file; the others are told nothing of it.
  std::vector<std::string> trusted_apps;
  std::string orchestrator_url;      // empty: none
  std::string orchestrator_ca_file;  // absolute; empty: the system's
  std::string orchestrator_token;    // empty: none
};

struct ProcessOptions {
  Surroundings surroundings;
  PlaceOptions place;
  std::string address = "127.0.0.1";         // by which others reach this host
  std::string listen_address = "127.0.0.1";  // where instances are told to listen
  std::string mp1_uri;                       // what instances are told
  int restarts_max = 5;                      // in a row, without having been well in between
  int restart_backoff_ms = 100;              // before the second; doubles up to
  int restart_backoff_ms_max = 5000;         // this
  int well_ms = 10'000;                      // ready for so long: earlier failures are forgotten
  int probe_ms = 5;                          // between the first probes; grows up to
  int probe_ms_max = 100;                    // this
  int watch_ms = 500;                        // between two looks at memory, processes and log
  int stats_ms = 1000;                       // between two questions for statistics
  std::uint64_t log_bytes_max = 1U << 20U;
  std::uint64_t address_space_extra_mb = 1024;  // beyond the memory of the descriptor
  std::uint64_t files_max = 1024;               // open at once
  int nice = 5;
};

class ProcessBackend final : public Backend {
 public:
  // `http` is polled by the loop; `wake` ends its wait. All must outlive this.
  ProcessBackend(ProcessOptions options, http::AsyncClient& http, const SteadyClock& clock,
                 std::function<void()> wake);
  ~ProcessBackend() override;

  // Before the first start(): where instances reach the platform.
  void set_mp1_uri(std::string uri) { options_.mp1_uri = std::move(uri); }

  [[nodiscard]] Result<void> accepts(const AppDescriptor& descriptor) const override;
  void start(const std::string& instance_id, const InstalledPackage& package) override;
  void stop(const std::string& instance_id, bool graceful) override;
  void release(const std::string& instance_id) override;
  void confirm_ready(const std::string& instance_id) override;
  [[nodiscard]] std::vector<std::string> survivors() override;
  [[nodiscard]] InstanceUsage usage(const std::string& instance_id) const override;
  void step(std::int64_t now_ms, std::vector<BackendEvent>& events) override;
  [[nodiscard]] std::int64_t next_due_ms() const override;

  struct Instance;

 private:
  using Shared = std::shared_ptr<Instance>;

  void launch(Instance& instance);
  [[nodiscard]] bool is_trusted(const Instance& instance) const;
  [[nodiscard]] Result<void> hand_token(const Instance& instance) const;
  [[nodiscard]] std::vector<std::string> environment_of(const Instance& instance) const;
  void adopt(Instance& instance);
  [[nodiscard]] SpawnRequest request_for(const Instance& instance) const;
  [[nodiscard]] http::OutgoingRequest ask(const Instance& instance, const std::string& path) const;
  void attend(Instance& instance);
  void reap();
  void probe(const Shared& instance);
  void take_probe(Instance& instance, const Result<http::Reply>& reply);
  void become_ready(Instance& instance);
  void take_end(Instance& instance);
  void after_end(Instance& instance);
  void crashed(Instance& instance);
  void kill(Instance& instance, const std::string& cause, const std::string& detail);
  void forget(Instance& instance);
  [[nodiscard]] static Sum use_of(const Instance& instance, const Census& census);
  void look_at(Instance& instance, const Census& census);
  void ask_stats(const Shared& instance);
  void emit(const Instance& instance, BackendEvent::Kind kind, const std::string& cause = {},
            const std::string& detail = {}, bool temporary = false);
  [[nodiscard]] Shared find(const std::string& id) const;

  ProcessOptions options_;
  http::AsyncClient& http_;
  const SteadyClock& clock_;
  Places places_;
  PidWatch watch_;
  std::map<std::string, Shared> instances_;
  std::vector<BackendEvent> events_;
  std::uint64_t next_token_ = 1;
  std::int64_t watch_due_ms_ = 0;
};

}  // namespace mx2::mepm::process
