// A MEPM inside the test process with the real process back end and λ that are real processes.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <map>
#include <memory>

#include "api/base/digest.h"
#include "api/http/pistache_server.h"
#include "lcm/mepm/mepm.h"
#include "lcm/mepm/process/proc.h"
#include "tests/support/archives.h"
#include "tests/support/socket.h"
#include "tests/support/temp_dir.h"

namespace mx2::mepm::test {

using mx2::test::ArchiveEntry;
using mx2::test::TempDir;

// Packages in files, served as the orchestrator would.
class FakePackages final : public PackageServer {
 public:
  Result<PackageInfo> info(const std::string& app_d_id) override;
  Result<void> content(const std::string& app_d_id,
                       const std::function<bool(std::string_view)>& take) override;

  // A package of the test λ in that mode; `process` are members of its mx2Process.
  void add(const std::string& app_d_id, const std::string& mode,
           const json::Value& process = json::Value::object(), int memory_mib = 64);
  void add_archive(const std::string& app_d_id, const std::vector<ArchiveEntry>& entries);

  TempDir directory;
  std::map<std::string, PackageInfo> infos;
  std::atomic<int> fetches{0};
  std::atomic<bool> down{false};

 private:
  std::mutex mutex_;
};

[[nodiscard]] json::Value descriptor(const std::string& app_d_id, const std::string& mode,
                                     const json::Value& process, int memory_mib);

// The date, which the test sets.
class SetDate final : public SystemClock {
 public:
  [[nodiscard]] std::int64_t now_ms() const override { return real_.now_ms() + ahead_ms; }
  std::atomic<std::int64_t> ahead_ms{0};

 private:
  SystemClock real_;
};

struct Answer {
  int status = 0;
  std::string location;
  json::Value body;
};

// How instances are kept apart. Not being root, nobody has a user of its own.
struct Manner {
  bool users = true;
  bool groups = true;

  void apply(MepmOptions& options) const;
};
inline constexpr std::int64_t kOwnUsers = 2'100'000'000;  // nobody else's on this machine
[[nodiscard]] bool is_root();

class Platform {
 public:
  explicit Platform(const std::function<void(MepmOptions&)>& adjust = {});
  ~Platform();

  void start();
  void stop();

  Answer ask(const std::string& method, const std::string& path, const std::string& body = {},
             const http::Headers& headers = {});
  // POST app_instances; its id.
  std::string create(const std::string& app_d_id);
  // Starts the operation and waits for its end.
  AppLcmOpOcc run(const std::string& instance, const std::string& task, const std::string& body);
  AppLcmOpOcc instantiate(const std::string& instance);
  AppLcmOpOcc terminate(const std::string& instance, bool graceful = true);
  AppInstanceInfo instance(const std::string& id);
  // An instance of the test λ in that mode, ready; and its end, whatever it does.
  std::string started(const std::string& mode, const json::Value& process = json::Value::object(),
                      int memory_mib = 64);
  void end(const std::string& id);
  // Waits until `holds`, at most ten seconds.
  bool until(const std::function<bool()>& holds);
  // What the instance answers to GET path; empty: nothing.
  std::string call(const AppInstanceInfo& instance, const std::string& path = "/");
  // Processes that have the identifier in their environment.
  [[nodiscard]] std::size_t processes(const std::string& id) const;
  [[nodiscard]] std::vector<process::Process> marked(const std::string& id) const;
  // Of the instance; empty: it has none.
  [[nodiscard]] std::string directory_of(const std::string& id) const;
  // What is written down of its process.
  [[nodiscard]] json::Value record(const std::string& id) const;
  [[nodiscard]] bool has_directory(const std::string& id) const;

  FakePackages packages;
  TempDir directory;
  MepmOptions options;
  SetDate date;
  std::uint16_t port = 0;

 private:
  struct Running;
  std::unique_ptr<Running> running_;
};

inline const std::string kLcm = "/app_lcm/v1";
inline const std::string kSupport = "/mec_app_support/v1";

}  // namespace mx2::mepm::test
