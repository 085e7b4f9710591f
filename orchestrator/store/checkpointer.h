// Moves the write-ahead log into the main file beside the writer, on a connection and a thread of
// its own: no client waits while thousands of pages are copied and flushed.
//
// The writer never pauses, so a pass beside it leaves the pages that came meanwhile; when few are
// left, the writer copies those itself between two batches, and the log begins anew, cut to its
// limit.
//
// Who reads the store holds the log: it grows until the reader has gone. Then it is tried now and
// then, told once when the log has become long and once when that is over, and the log is cut also
// if nobody writes any more.
//
// At the limit of size the log is emptied to make room, but not with each commit: what was made
// lasts for a while, in which the log may grow beyond the limit. Only a reader who stays makes the
// store full.
//
// Threads: on_commit(), finish_if_near(), has_begun_anew() and make_room() are the writer's.
#pragma once

#include <SQLiteCpp/Database.h>
#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "api/base/metrics.h"
#include "api/base/worker.h"

namespace mx2 {

class Checkpointer {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `pages`: in the log before it is moved. `bytes_max`: of main file and log together; 0: any.
  Checkpointer(std::string path, std::size_t pages, std::size_t bytes_max,
               metrics::Registry& registry);

  // Takes the place of SQLite's automatic checkpoints on this connection.
  void attach(sqlite3* writer);
  // Between two batches.
  void finish_if_near();
  // Whether that is so since it was asked last.
  [[nodiscard]] bool has_begun_anew() { return std::exchange(begun_anew_, false); }
  // Before a batch: false when main file and log together are as large as they may be and a reader
  // keeps the log from being emptied. May wait for it, the first time.
  [[nodiscard]] bool make_room(Time now);

 private:
  struct Moved {
    int in_log = 0;
    int moved = 0;
    [[nodiscard]] int left() const { return in_log - moved; }
  };

  static int on_commit(void* self, sqlite3* writer, const char* name, int pages);
  [[nodiscard]] Worker::Time step();
  void move_most(sqlite3* database);
  void tell(std::size_t bytes);
  std::size_t measure();

  const std::string path_;
  const int pages_;
  // More is given back: somewhat above where moving begins, as commits go on meanwhile, and those
  // that make the file longer again take longer themselves.
  const std::size_t log_bytes_;
  const std::size_t bytes_max_;
  metrics::Gauge& size_;
  sqlite3* writer_ = nullptr;
  std::atomic<int> log_pages_{0};
  std::atomic<std::size_t> known_bytes_{0};  // of the log, when it was measured last
  std::atomic<bool> near_{false};            // little is left to move
  std::atomic<bool> held_{false};            // by a reader: nothing can be moved
  bool begun_anew_ = false;
  bool has_room_ = true;  // as the last attempt to make some has shown
  Time next_attempt_{};
  bool told_ = false;
  std::unique_ptr<SQLite::Database> database_;  // of the worker
  Worker worker_{Worker::kWhenWoken};
};

}  // namespace mx2
