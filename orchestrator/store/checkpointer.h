// Moves the write-ahead log into the main file beside the writer, on a connection and a thread of
// its own: no client waits while thousands of pages are copied and flushed.
//
// The writer never pauses, so a pass beside it leaves the pages that came meanwhile; when few are
// left, the writer copies those itself between two batches, and the log begins anew.
//
// Threads: on_commit() and finish_if_near() are the writer's.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace mx2 {

class Checkpointer {
 public:
  // `pages`: in the log before it is moved.
  Checkpointer(std::string path, std::size_t pages);
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  // Takes the place of SQLite's automatic checkpoints on this connection.
  void attach(sqlite3* writer);
  // Between two batches.
  void finish_if_near();

 private:
  static int on_commit(void* self, sqlite3* writer, const char* name, int pages);
  void run();
  void move_most(sqlite3* database);

  const std::string path_;
  const int pages_;
  sqlite3* writer_ = nullptr;
  std::atomic<int> log_pages_{0};
  std::atomic<bool> near_{false};  // little is left to move
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace mx2
