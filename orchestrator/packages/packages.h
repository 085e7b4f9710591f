// On-boarding of application packages: ETSI GS MEC 010-2 V2.1.1 clause 7.3 without its HTTP.
//
//   CREATED ──▶ UPLOADING ──▶ PROCESSING ──▶ ONBOARDED
//      ▲  fetched from appPkgPath,   │ the descriptor is read, the catalogue gets its app
//      └──── or uploaded ────────────┘ failure: CREATED again, with the reason
//
// Each state is stored before it is acted upon, and the content has its name on the disk before the
// package is PROCESSING. So after a crash every package goes on from where it was, or, if its
// content was being uploaded, waits for it again. Contents that no package refers to are removed at
// start.
//
// The content is never believed: bounded in bytes and time, its SHA-256 compared with the
// request's, its descriptor read by api/archive. A refusal is kept in the package, with a cause for
// machines (package_content.h, kAppTaken).
//
// Threads: any. A few of its own fetch and examine; they wait for disk and network, one package
// each.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/base/callback.h"
#include "api/base/metrics.h"
#include "api/base/worker.h"
#include "api/http/http_client.h"
#include "api/mec/app_package.h"
#include "orchestrator/core/core.h"
#include "orchestrator/core/instantiation.h"
#include "orchestrator/packages/package_changes.h"
#include "orchestrator/packages/package_files.h"
#include "orchestrator/packages/package_notifier.h"
#include "orchestrator/packages/sources.h"

namespace mx2 {

struct PackageOptions {
  std::string directory;  // of the contents; empty: the store's path with ".packages"
  std::size_t bytes_max = 64UL * 1024 * 1024;
  std::size_t count_max = 1000;
  int parallel_max = 4;  // packages being fetched or examined at once
  int fetch_timeout_ms = 60000;
  int fetch_idle_ms = 10000;
  std::string ca_file;
  std::vector<std::string> device_sources;  // prefixes of URIs; none: device applications may not
  PackageNotifierOptions notifier;
};

class Packages final : public Onboarding {
 public:
  // `files`: where contents are; `notifier` must outlive this.
  Packages(Core& core, const PackageOptions& options, PackageFiles files, PackageNotifier& notifier,
           metrics::Registry& registry);
  ~Packages() override;
  Packages(const Packages&) = delete;
  Packages& operator=(const Packages&) = delete;

  // When the model is loaded: removes what nobody refers to, and goes on with what a stop has
  // interrupted.
  void start();
  // Ends fetches at once; what was begun goes on after the next start. Answers who waits.
  // Idempotent.
  void stop();

  // With a source, its content is fetched afterwards. Refusals: conflict, forbidden.
  void create(CreateAppPkg request, Callback<Result<Package>> answer);
  // The content of a CREATED package; answers when it is stored, before it is examined. Refusals:
  // not_found, conflict, too_large, unavailable when too many uploads wait.
  void upload(const std::string& id, std::string content, Callback<Result<void>> answer);
  // conflict when it is not on-boarded, or is in that state already.
  void set_enabled(const std::string& id, bool enabled, Callback<Result<Package>> answer);
  void remove(const std::string& id, Callback<Result<void>> answer);

  // A device application's appPackageSource: answers the appDId once a package from there is
  // on-boarded, at once if one is. Many may ask for one source, it is fetched once. forbidden
  // (cause "source-not-allowed") unless allowed; other errors are why the package was refused, and
  // are remembered for some seconds.
  [[nodiscard]] bool allows(const std::string& uri) const override {
    return allowed_source(options_.device_sources, uri);
  }
  void onboard(const std::string& uri, Callback<Result<std::string>> answer) override;

  // Of an on-boarded package. `length` bytes from `offset` on.
  [[nodiscard]] Result<std::string> content(const Package& package, std::uint64_t offset,
                                            std::uint64_t length) const;
  [[nodiscard]] Result<std::string> descriptor(const Package& package) const;

  [[nodiscard]] PackageNotifier& notifier() { return notifier_; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  using Waiter = std::shared_ptr<Callback<Result<std::string>>>;
  struct Upload {
    std::string content;
    Callback<Result<void>> answer;
  };
  struct Job {
    std::string id;
    std::unique_ptr<Upload> upload;  // nothing: go on from where the package is
    Time due;
    int retry_ms = 0;
  };
  struct Refused {  // a source that was asked for lately
    Error error;
    Time until;
  };

  [[nodiscard]] std::optional<Error> reserve_upload(const std::string& id);
  [[nodiscard]] Time step(http::CurlClient& client);
  [[nodiscard]] std::optional<Job> take(Time& next);
  void enqueue(Job job);
  void carry_out(Job job, http::CurlClient& client);
  void take_upload(Job job);
  [[nodiscard]] Result<Package> go_on(const Package& package, http::CurlClient& client);
  [[nodiscard]] Result<Package> fetch(const Package& package, http::CurlClient& client);
  [[nodiscard]] Result<Package> process(const Package& package);
  [[nodiscard]] Result<Package> arrived(const Package& package, IncomingFile& file);
  void conclude(Job job, const Package& package, const Result<Package>& outcome);
  [[nodiscard]] bool keep_failure(const Package& package, const Error& error);
  [[nodiscard]] std::optional<std::string> same_app(const Package& package, const Error& error);
  [[nodiscard]] std::optional<Package> find(const std::string& id) const;
  [[nodiscard]] Result<Package> change(const std::string& id, const PackageEdit& edit);
  void answer_waiters(const std::string& uri, const Result<std::string>& result);
  [[nodiscard]] bool stopping() const;
  void count_packages();
  void count_outcome(const Result<Package>& outcome);

  Core& core_;
  const PackageOptions options_;
  const PackageFiles files_;
  PackageNotifier& notifier_;
  metrics::Registry& registry_;
  metrics::Gauge& onboarded_;
  metrics::Counter& fetched_bytes_;

  mutable std::mutex mutex_;
  std::deque<Job> jobs_;
  std::set<std::string> running_;    // packages that a worker has
  std::set<std::string> uploading_;  // packages whose content waits or is being stored
  std::map<std::string, std::vector<Waiter>> waiters_;  // by source
  std::map<std::string, Refused> refused_;              // likewise
  std::size_t waiting_ = 0;
  bool stopped_ = false;
  std::vector<std::unique_ptr<http::CurlClient>> clients_;
  std::deque<Worker> workers_;
};

}  // namespace mx2
