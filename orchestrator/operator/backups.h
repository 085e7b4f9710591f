// Backups while we run: a snapshot of the store and of the packages' contents is made beside them,
// in the background, and then read in pieces by whoever asked for it (`mx2ctl backup`, which makes
// one file of it: api/operator/backup.h). Nothing stops meanwhile; all that was acknowledged before
// begin() is in it.
//
// One at a time. A snapshot takes the room of the database on its disk (contents of packages are
// linked, not copied) until it is removed, by remove(), when it was not read for some minutes, by
// the next one, or at the next start.
//
// Threads: any; start() and stop() from one.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>

#include "api/base/clock.h"
#include "api/base/worker.h"
#include "api/operator/backup.h"
#include "orchestrator/core/store_peers.h"
#include "orchestrator/store/store.h"

namespace mx2 {

class Backups {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::size_t kPieceBytesMax = std::size_t{4} << 20U;

  // All must outlive this. `store_path`, `packages`: the file and the directory.
  Backups(Store& store, const StorePeers& peers, const Clock& date, std::string store_path,
          std::string packages);
  ~Backups() { stop(); }
  Backups(const Backups&) = delete;
  Backups& operator=(const Backups&) = delete;

  // Removes what a crash has left, and works until stop(), which interrupts.
  void start();
  void stop();
  // What start() does again and again.
  [[nodiscard]] Worker::Time step(Time now);

  // conflict: one is being made, or was read a moment ago. unavailable: there is no room.
  [[nodiscard]] Result<Backup> begin(Time now);
  [[nodiscard]] Result<Backup> find(const std::string& id) const;
  // At most kPieceBytesMax bytes of one of its files, from `offset` on; empty at its end.
  // not_found, conflict when it is not ready, unavailable.
  [[nodiscard]] Result<std::string> read(const std::string& id, const std::string& file,
                                         std::uint64_t offset, Time now);
  [[nodiscard]] Result<void> remove(const std::string& id);

 private:
  [[nodiscard]] Result<void> make(Backup& backup);
  [[nodiscard]] std::string path_of(const std::string& file) const;
  [[nodiscard]] bool has_file(const std::string& name) const;  // under the lock
  void clear() const;

  Store& store_;
  const StorePeers& peers_;
  const Clock& date_;
  const std::string store_path_;
  const std::string database_;  // the snapshot's
  const std::string packages_;
  const std::string links_;  // of the snapshot, in packages_
  std::atomic<bool> stopped_{false};
  mutable std::mutex mutex_;
  Backup backup_;  // without an identifier: none
  Time used_;      // last
  Worker worker_{Worker::kWhenWoken};
};

}  // namespace mx2
