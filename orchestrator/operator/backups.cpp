#include "orchestrator/operator/backups.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

#include "api/base/digest.h"
#include "api/base/fd.h"
#include "api/base/ids.h"
#include "api/base/log.h"

namespace mx2 {
namespace {

namespace fs = std::filesystem;

constexpr auto kKept = std::chrono::minutes(10);               // that nobody reads
constexpr auto kBeingRead = std::chrono::seconds(30);          // since the last piece
constexpr std::uint64_t kRoomLeft = std::uint64_t{64} << 20U;  // for what goes on meanwhile
constexpr const char* kContentSuffix = ".pkg";

std::uint64_t file_bytes(const std::string& file) {
  std::error_code none;
  const auto size = fs::file_size(file, none);
  return none ? 0 : size;
}

// What is missing at the end is the end. Nothing: it cannot be read.
std::optional<std::string> read_piece(const std::string& file, std::uint64_t offset,
                                      std::size_t most) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return std::nullopt;
  std::string bytes(most, '\0');
  std::size_t got = 0;
  while (got < most) {
    const auto n =
        ::pread(fd.get(), bytes.data() + got, most - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  bytes.resize(got);
  return bytes;
}

Result<BackupFile> described(const std::string& name, const std::string& path,
                             const std::atomic<bool>& stopped) {
  Sha256 digest;
  std::uint64_t size = 0;
  for (;;) {
    const auto piece = read_piece(path, size, Backups::kPieceBytesMax);
    if (!piece || stopped) return unavailable("the snapshot cannot be read", path);
    if (piece->empty()) return BackupFile{name, size, digest.hex()};
    digest.update(*piece);
    size += piece->size();
  }
}

// Another name for the same content, which lasts when the first is removed.
Result<void> link_contents(const std::string& from, const std::string& to) {
  std::error_code failed;
  fs::create_directories(to, failed);
  for (const auto& entry : fs::directory_iterator(from, failed)) {
    const auto& path = entry.path();
    if (path.extension() != kContentSuffix) continue;
    const auto copy = fs::path(to) / path.filename();
    std::error_code other;
    if (fs::exists(copy, other)) continue;
    fs::create_hard_link(path, copy, other);
    if (other && fs::exists(path, other)) fs::copy_file(path, copy, other);  // cannot be linked
    if (other) return unavailable("a package cannot be copied", path.string() + other.message());
  }
  if (failed) return unavailable("the packages cannot be read", from + ": " + failed.message());
  return {};
}

}  // namespace

Backups::Backups(Store& store, const StorePeers& peers, const Clock& date, std::string store_path,
                 std::string packages)
    : store_(store),
      peers_(peers),
      date_(date),
      store_path_(std::move(store_path)),
      database_(store_path_ + ".snapshot"),
      packages_(std::move(packages)),
      links_(packages_ + "/.snapshot") {}

void Backups::start() {
  clear();
  worker_.start([this] { return step(std::chrono::steady_clock::now()); });
}

void Backups::stop() {
  stopped_ = true;
  if (worker_.is_running()) worker_.stop();
}

void Backups::clear() const {
  std::error_code ignored;
  fs::remove(database_, ignored);
  fs::remove(database_ + "-journal", ignored);
  fs::remove_all(links_, ignored);
}

Worker::Time Backups::step(Time now) {
  Backup backup;
  {
    const std::lock_guard guard(mutex_);
    if (backup_.id.empty()) return Worker::kWhenWoken;
    if (backup_.state != BackupState::kRunning) {
      if (now < used_ + kKept) return used_ + kKept;
      backup_ = {};
      clear();
      return Worker::kWhenWoken;
    }
    backup = backup_;
  }
  clear();
  const auto made = [&]() -> Result<void> {
    try {
      return make(backup);
    } catch (const fs::filesystem_error& e) {
      return unavailable("the packages cannot be read", e.what());
    }
  }();
  backup.state = made ? BackupState::kReady : BackupState::kFailed;
  if (!made) {
    backup.error = made.error().detail;
    log::error("backup", {{"reason", backup.error}, {"cause", made.error().internal_text}});
    clear();
  }
  const std::lock_guard guard(mutex_);
  backup_ = std::move(backup);
  used_ = std::chrono::steady_clock::now();
  return used_ + kKept;
}

// A package's content is there before the store says so and goes after it does not, so the first
// look has what is removed meanwhile, and the second what has come.
Result<void> Backups::make(Backup& backup) {
  if (auto linked = link_contents(packages_, links_); !linked) return linked;
  backup.store = peers_.own();
  if (auto copied = store_.copy_to(database_, [this] { return !stopped_; }); !copied) return copied;
  if (auto linked = link_contents(packages_, links_); !linked) return linked;
  std::vector<std::string> names{kDatabaseName};
  for (const auto& entry : fs::directory_iterator(links_)) {
    names.push_back(kPackagePrefix + entry.path().filename().string());
  }
  std::sort(names.begin() + 1, names.end());  // for has_file()
  for (const auto& name : names) {
    auto file = described(name, path_of(name), stopped_);
    if (!file) return file.error();
    backup.files.push_back(std::move(*file));
  }
  return {};
}

// Not by a copy of the backup, or from one end of it to the other: it is asked for each of many
// files.
bool Backups::has_file(const std::string& name) const {
  const auto& files = backup_.files;
  if (files.empty() || name == kDatabaseName) return !files.empty();
  const auto it = std::lower_bound(
      files.begin() + 1, files.end(), name,
      [](const BackupFile& file, const std::string& wanted) { return file.name < wanted; });
  return it != files.end() && it->name == name;
}

std::string Backups::path_of(const std::string& file) const {
  if (file == kDatabaseName) return database_;
  return links_ + "/" + file.substr(std::string_view(kPackagePrefix).size());
}

Result<Backup> Backups::begin(Time now) {
  const std::lock_guard guard(mutex_);
  const bool running = !backup_.id.empty() && backup_.state == BackupState::kRunning;
  const bool read =
      backup_.state == BackupState::kReady && !backup_.id.empty() && now < used_ + kBeingRead;
  if (running || read) return conflict("another backup is being made or read; try again later");
  const auto needed = file_bytes(store_path_) + file_bytes(store_path_ + "-wal") + kRoomLeft;
  std::error_code failed;
  const auto absolute = fs::absolute(store_path_, failed);
  const auto room = fs::space(absolute.parent_path(), failed);
  if (!failed && room.available < needed) {
    return unavailable("no room for a snapshot of the store: " + std::to_string(needed >> 20U) +
                       " MiB are needed beside it, " + std::to_string(room.available >> 20U) +
                       " are free");
  }
  backup_ = {};
  backup_.id = RandomIds(date_).next();
  backup_.created = format_utc(date_.now_ms());
  backup_.version = MX2_VERSION;
  backup_.store = peers_.own();
  worker_.wake();
  return backup_;
}

Result<Backup> Backups::find(const std::string& id) const {
  const std::lock_guard guard(mutex_);
  if (id.empty() || backup_.id != id) return not_found("no backup '" + id + "'");
  return backup_;
}

Result<std::string> Backups::read(const std::string& id, const std::string& file,
                                  std::uint64_t offset, Time now) {
  {
    const std::lock_guard guard(mutex_);
    if (id.empty() || backup_.id != id) return not_found("no backup '" + id + "'");
    if (backup_.state != BackupState::kReady) return conflict("the backup is not ready");
    if (!has_file(file)) return not_found("the backup has no file '" + file + "'");
  }
  auto piece = read_piece(path_of(file), offset, kPieceBytesMax);
  if (!piece) return unavailable("the snapshot cannot be read", file);
  const std::lock_guard guard(mutex_);
  used_ = std::max(used_, now);
  return std::move(*piece);
}

Result<void> Backups::remove(const std::string& id) {
  const std::lock_guard guard(mutex_);
  if (id.empty() || backup_.id != id) return not_found("no backup '" + id + "'");
  if (backup_.state == BackupState::kRunning) return conflict("the backup is being made");
  backup_ = {};
  clear();
  return {};
}

}  // namespace mx2
