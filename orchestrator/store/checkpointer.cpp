#include "orchestrator/store/checkpointer.h"

#include <chrono>
#include <optional>
#include <utility>

#include "api/base/log.h"
#include "orchestrator/store/log_mark.h"
#include "orchestrator/store/sqlite_connection.h"

namespace mx2 {
namespace {

constexpr int kPassesMax = 4;
constexpr int kFewPages = 100;
constexpr int kTooManyTimes = 16;  // the log may grow to so many times its limit
constexpr int kLongTimes = 4;      // of its limit: told, when a reader is why
constexpr auto kLookAgain = std::chrono::milliseconds(250);
constexpr auto kRoomLasts =
    std::chrono::milliseconds(100);  // that was made: what the log may grow by
constexpr auto kPatience = std::chrono::milliseconds(1000);  // with a reader, before it is full
constexpr std::size_t kFrameBytes = 4096 + 24;

std::string mebibytes(std::size_t bytes) { return std::to_string(bytes >> 20U); }

}  // namespace

Checkpointer::Checkpointer(std::string path, std::size_t pages, std::size_t bytes_max,
                           metrics::Registry& registry)
    : path_(std::move(path)),
      pages_(static_cast<int>(pages)),
      log_bytes_(pages * kFrameBytes / 4 * 5),
      bytes_max_(bytes_max),
      size_(registry.gauge("mx2_store_log_bytes", "Size of the store's write-ahead log")) {
  try {
    database_ = std::make_unique<SQLite::Database>(path_, SQLite::OPEN_READWRITE);  // never waits
    // A connection that has read nothing does not know that there is a log, and moves none of it.
    database_->exec("PRAGMA schema_version");
    worker_.start([this] { return step(); });
  } catch (const SQLite::Exception& e) {
    log::error("no checkpoints beside the writer", {{"reason", e.what()}});
  }
}

void Checkpointer::attach(sqlite3* writer) {
  writer_ = writer;
  sqlite3_wal_hook(writer, on_commit, this);
}

int Checkpointer::on_commit(void* self, sqlite3* /*writer*/, const char* /*name*/, int pages) {
  auto& checkpointer = *static_cast<Checkpointer*>(self);
  checkpointer.begun_anew_ |= pages < checkpointer.log_pages_;
  checkpointer.log_pages_ = pages;
  if (pages < checkpointer.pages_ || checkpointer.near_ || checkpointer.held_) return SQLITE_OK;
  checkpointer.worker_.wake();
  return SQLITE_OK;
}

// The log that has grown far beyond its limit is moved by whoever makes it grow.
void Checkpointer::finish_if_near() {
  // Only when it is longer or shorter: who asks for the size of a file makes the next commit flush
  // the times of that file as well.
  if (begun_anew_ || log_pages_ * kFrameBytes > known_bytes_) measure();
  const bool too_long = log_pages_ / kTooManyTimes >= pages_ && !held_;
  if (!near_ && !too_long) return;
  sqlite3_wal_checkpoint_v2(writer_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  near_ = false;
}

// The main file alone is kept below the limit by SQLite.
bool Checkpointer::make_room(Time now) {
  if (bytes_max_ == 0) return true;
  const auto log = size_of(log_of(path_));
  if (log == 0 || size_of(path_) + log < bytes_max_) return has_room_ = true;
  if (has_room_ && now < next_attempt_) return true;
  const auto begun = Time::clock::now();
  // When it is full already nobody waits for the reader any more, only looks whether it has gone.
  has_room_ = sqlite::empty_log(writer_, has_room_ ? kPatience : std::chrono::milliseconds(0));
  next_attempt_ = now + (Time::clock::now() - begun) + kRoomLasts;  // it may have taken long
  measure();
  return has_room_;
}

std::size_t Checkpointer::measure() {
  const auto bytes = size_of(log_of(path_));
  known_bytes_ = bytes;
  size_.set(static_cast<double>(bytes));
  return bytes;
}

Worker::Time Checkpointer::step() {
  move_most(database_->getHandle());
  const bool again = held_ || measure() > log_bytes_;
  return again ? Worker::in(kLookAgain) : Worker::kWhenWoken;
}

void Checkpointer::move_most(sqlite3* database) {
  const auto pass = [&](int mode) -> std::optional<Moved> {
    Moved out;
    const int code = sqlite3_wal_checkpoint_v2(database, nullptr, mode, &out.in_log, &out.moved);
    return code == SQLITE_OK ? std::optional(out) : std::nullopt;
  };
  auto now = pass(SQLITE_CHECKPOINT_PASSIVE);
  bool held = false;
  for (int i = 1; now && i < kPassesMax && now->left() > kFewPages && !held; ++i) {
    const auto before = std::exchange(now, pass(SQLITE_CHECKPOINT_PASSIVE));
    held = now && now->left() > 0 && now->moved == before->moved;
  }
  if (!now) return;  // somebody else is at it
  held_ = held;
  near_ = !held;
  // When nobody writes, nobody else cuts it.
  if (now->left() == 0 && measure() > log_bytes_)
    static_cast<void>(pass(SQLITE_CHECKPOINT_TRUNCATE));
  tell(measure());
}

void Checkpointer::tell(std::size_t bytes) {
  if (!told_ && held_ && bytes > kLongTimes * log_bytes_) {
    told_ = true;
    log::warn("the write-ahead log grows: somebody reads the store and holds it",
              {{"file", log_of(path_)}, {"mib", mebibytes(bytes)}});
  } else if (told_ && bytes <= log_bytes_) {
    told_ = false;
    log::info("the write-ahead log is short again", {{"file", log_of(path_)}});
  }
}

}  // namespace mx2
