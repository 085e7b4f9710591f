#include "orchestrator/store/checkpointer.h"

#include <SQLiteCpp/Database.h>

#include "api/base/log.h"
#include "orchestrator/store/sqlite_values.h"

namespace mx2 {
namespace {

constexpr int kPassesMax = 4;
constexpr int kFewPages = 100;
constexpr int kTooManyTimes = 16;  // the log may grow to so many times its limit

// Pages of the log that are not in the main file yet; negative when it does not work now.
int checkpoint(sqlite3* database) {
  int in_log = 0;
  int moved = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(database, nullptr, SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
  return code == SQLITE_OK ? in_log - moved : -1;
}

}  // namespace

Checkpointer::Checkpointer(std::string path, std::size_t pages)
    : path_(std::move(path)), pages_(static_cast<int>(pages)) {
  thread_ = std::thread([this] { run(); });
}

Checkpointer::~Checkpointer() {
  {
    const std::lock_guard guard(mutex_);
    stopped_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Checkpointer::attach(sqlite3* writer) {
  writer_ = writer;
  sqlite3_wal_hook(writer, on_commit, this);
}

int Checkpointer::on_commit(void* self, sqlite3* /*writer*/, const char* /*name*/, int pages) {
  auto& checkpointer = *static_cast<Checkpointer*>(self);
  checkpointer.log_pages_ = pages;
  if (pages < checkpointer.pages_ || checkpointer.near_) return SQLITE_OK;
  {
    const std::lock_guard guard(checkpointer.mutex_);
    checkpointer.wanted_ = true;
  }
  checkpointer.changed_.notify_one();
  return SQLITE_OK;
}

// The log that has grown far beyond its limit is moved by whoever makes it grow.
void Checkpointer::finish_if_near() {
  const bool too_long = log_pages_ / kTooManyTimes >= pages_;
  if (!near_ && !too_long) return;
  checkpoint(writer_);
  near_ = false;
}

void Checkpointer::run() {
  try {
    SQLite::Database database(path_, SQLite::OPEN_READWRITE, sqlite::kBusyTimeoutMs);
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stopped_ || wanted_; });
      if (stopped_) return;
      wanted_ = false;
      lock.unlock();
      move_most(database.getHandle());
      lock.lock();
    }
  } catch (const SQLite::Exception& e) {
    log::error("no checkpoints beside the writer", {{"reason", e.what()}});
  }
}

void Checkpointer::move_most(sqlite3* database) {
  int left = checkpoint(database);
  for (int pass = 1; pass < kPassesMax && left > kFewPages; ++pass) left = checkpoint(database);
  if (left >= 0) near_ = true;
}

}  // namespace mx2
