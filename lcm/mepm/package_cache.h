// Packages on this host: fetched from the orchestrator by those who need them, verified against
// their digest, unpacked, and kept for the next. One directory for each digest, so that several
// versions of an app live side by side; what is there at the start is taken as it is.
//
// Bounded: bytes of an archive, its entries and what it unpacks to, all packages together. Those
// that nobody holds are evicted, the least recently wanted first.
//
// Causes of a failed package: those of api/archive, "wrong-digest", "too-large", "bad-descriptor",
// "no-executable", "orchestrator-unreachable".
//
// Threads: any.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "api/base/callback.h"
#include "api/base/clock.h"
#include "api/base/worker.h"
#include "lcm/mepm/package_server.h"
#include "lcm/mepm/packages.h"

namespace mx2::mepm {

struct PackageCacheOptions {
  std::string directory = "packages";
  std::uint64_t archive_bytes_max = 256ULL << 20U;
  std::uint64_t unpacked_bytes_max = 512ULL << 20U;  // of one
  std::size_t files_max = 4096;                      // of one
  std::uint64_t bytes_max = 4096ULL << 20U;          // of all, unpacked
  std::size_t packages_max = 64;
  int fetches = 2;  // at once
};

class PackageCache final : public Packages {
 public:
  // `changed` is called, from a thread of this, when a package is there or has failed; `clock` says
  // how long that took.
  PackageCache(PackageCacheOptions options, PackageServer& server, const SteadyClock& clock,
               std::function<void()> changed);
  ~PackageCache() override { stop(); }
  PackageCache(const PackageCache&) = delete;
  PackageCache& operator=(const PackageCache&) = delete;

  void want(const std::string& holder, const std::string& app_d_id,
            const std::string& digest) override;
  void let_go(const std::string& holder) override;
  [[nodiscard]] PackageState state(const std::string& digest) const override;

  // Asks the orchestrator, in a thread of this. unavailable when too many ask.
  void look_up(const std::string& app_d_id, Callback<Result<PackageInfo>> done);

  // Waits for what is being asked and fetched; what waits for that is dropped. Idempotent; when
  // nobody wants or looks up any more.
  void stop();

 private:
  struct Entry {
    PackageState state;
    std::set<std::string> holders;
    std::uint64_t bytes = 0;
    std::uint64_t wanted = 0;  // count of wants, of the last one
  };
  struct LookUp {
    std::string app_d_id;
    Callback<Result<PackageInfo>> done;
  };
  struct Fetch {
    std::string app_d_id;
    std::string digest;
  };

  void find_installed();
  [[nodiscard]] Worker::Time fetch_next();
  [[nodiscard]] Worker::Time look_up_next();
  [[nodiscard]] PackageState fetch(const Fetch& what);
  [[nodiscard]] Result<void> download(const Fetch& what, const std::string& file);
  [[nodiscard]] Result<InstalledPackage> install(const std::string& digest,
                                                 const std::string& file);
  void evict();
  [[nodiscard]] std::string path_of(const std::string& digest) const;

  PackageCacheOptions options_;
  PackageServer& server_;
  const SteadyClock& clock_;
  std::function<void()> changed_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // by digest
  std::deque<Fetch> fetches_;
  std::deque<LookUp> look_ups_;
  std::uint64_t wants_ = 0;
  Worker asker_;
  std::deque<Worker> fetchers_;
};

}  // namespace mx2::mepm
