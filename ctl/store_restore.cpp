#include "ctl/store_restore.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "api/archive/archive.h"
#include "api/base/clock.h"
#include "api/base/digest.h"
#include "api/base/fd.h"
#include "api/base/file.h"
#include "api/base/file_lock.h"
#include "api/base/text.h"

namespace mx2::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlockBytes = std::size_t{1} << 20U;
constexpr std::uint64_t kAnySize = std::uint64_t{1} << 60U;
constexpr std::size_t kEntriesMax = kBackupFilesMax + 2;  // and the list, and a folder
constexpr mode_t kStoreMode = 0600;
constexpr mode_t kFolderMode = 0750;

Error failed(const std::string& what, const std::string& path, const std::string& why) {
  return unavailable(what + " " + path + ": " + why);
}
Error failed(const std::string& what, const std::string& path) {
  return failed(what, path, std::strerror(errno));
}

Result<void> flush(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open() || ::fsync(fd.get()) != 0) return failed("cannot flush", path);
  return {};
}

std::string folder_of(const std::string& path) {
  auto parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

Result<void> move_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return failed("cannot move", from);
  return {};
}

Result<void> write_durably(const std::string& path, const std::string& text) {
  {
    // The folder may be somebody's who is less than we are: through no link of theirs.
    ::unlink(path.c_str());
    const Fd fd(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kStoreMode));
    const auto size = static_cast<ssize_t>(text.size());
    if (!fd.is_open() || ::write(fd.get(), text.data(), text.size()) != size) {
      return failed("cannot write", path);
    }
  }
  return flush(path);
}

// root restores for whoever has the folder of the store.
Result<void> give_to_owner(const std::string& path, const std::string& store) {
  struct stat folder {};
  if (::geteuid() != 0 || ::stat(folder_of(store).c_str(), &folder) != 0) return {};
  if (::lchown(path.c_str(), folder.st_uid, folder.st_gid) == 0) return {};
  return failed("cannot give to its owner", path);
}

Result<std::unique_ptr<FileLock>> take_lock(const std::string& store) {
  auto lock = FileLock::take(store + kLockSuffix);
  if (!lock) return lock;
  if (!*lock) return conflict("an orchestrator works on " + store + ": stop it first");
  if (auto given = give_to_owner(store + kLockSuffix, store); !given) return given.error();
  return lock;
}

// Higher than any that starts have counted up to, as long as the date goes on.
Result<void> write_epoch(const std::string& store) {
  const auto file = store + kNewEpochSuffix;
  auto written = write_durably(file, std::to_string(SystemClock().now_ms()) + "\n");
  return written ? give_to_owner(file, store) : written;
}

// One attempt at a time; it ends with the object.
class Restore {
 public:
  explicit Restore(const RestoreOrder& order)
      : order_(order),
        packages_(order.packages.empty() ? order.store + kPackagesSuffix : order.packages),
        unpacked_(order.store + kRestoringSuffix) {}

  Result<Restored> run() {
    if (auto fits = check_file(); !fits) return fits.error();
    std::error_code error;
    fs::create_directories(folder_of(order_.store), error);
    if (error) return failed("cannot make", folder_of(order_.store), error.message());
    auto lock = take_lock(order_.store);
    if (!lock) return lock.error();
    lock_ = std::move(*lock);
    if (is_there() && !order_.overwrite) {
      return conflict("there is a store " + order_.store +
                      " already (or its log, or packages): --overwrite renames it");
    }
    const bool begun_before = fs::exists(unpacked_, error);
    auto backup = unpack();
    if (!backup) {
      if (!begun_before) fs::remove_all(unpacked_, error);
      return backup.error();
    }
    Restored restored{std::move(*backup), {}};
    if (auto placed = place(restored); !placed) return placed.error();
    return restored;
  }

 private:
  Result<void> check_file() const {
    const auto digest = digest_of(order_.file);
    if (!digest) return digest.error();
    if (order_.sha256.empty() || to_lower(order_.sha256) == *digest) return {};
    return invalid_argument("its SHA-256 is " + *digest, order_.file);
  }

  bool has_packages() const {
    std::error_code ignored;
    return fs::is_directory(packages_, ignored) && !fs::is_empty(packages_, ignored);
  }

  bool is_there() const {
    std::error_code ignored;
    return has_packages() || fs::exists(order_.store, ignored) ||
           fs::exists(order_.store + "-wal", ignored);
  }

  Result<Backup> unpack() {
    std::error_code error;
    fs::remove_all(unpacked_, error);
    if (::mkdir(unpacked_.c_str(), kFolderMode) != 0) return failed("cannot make", unpacked_);
    const archive::Limits limits{kEntriesMax, kAnySize, kAnySize, 1000};
    if (auto done = archive::unpack(order_.file, unpacked_, limits); !done) {
      auto why = done.error();
      why.detail = order_.file + ": " + why.detail;
      if (!why.internal_text.empty()) why.detail += " (" + why.internal_text + ")";
      return why;
    }
    auto backup = read_manifest();
    if (!backup) return backup;
    for (const auto& file : backup->files) {
      if (auto good = check(file); !good) return good.error();
    }
    const auto packages = fs::directory_iterator(unpacked_ + "/packages", error);
    const auto there = error ? 0 : std::distance(fs::begin(packages), fs::end(packages));
    if (static_cast<std::size_t>(there) + 1 == backup->files.size()) return backup;
    return invalid_argument("has other files than its list says", order_.file);
  }

  Result<Backup> read_manifest() const {
    const auto text = read_file(unpacked_ + "/" + kManifestName, kManifestBytesMax);
    if (!text) return invalid_argument("is no backup of mx2ctl", order_.file);
    const auto document = json::parse(*text);
    auto backup = document ? codec::decode_backup(*document) : Result<Backup>(document.error());
    if (!backup) return invalid_argument("its list of files cannot be read", order_.file);
    const auto& files = backup->files;
    const bool has_store = std::any_of(files.begin(), files.end(), [](const BackupFile& file) {
      return file.name == kDatabaseName;
    });
    if (!has_store) return invalid_argument("has no store in it", order_.file);
    return backup;
  }

  // Makes it what it will be, too.
  Result<void> check(const BackupFile& file) const {
    const auto path = unpacked_ + "/" + file.name;
    std::error_code error;
    const bool plain = file.name == kDatabaseName || file.name.starts_with(kPackagePrefix);
    const bool there = plain && file.name.find("..") == std::string::npos &&
                       fs::is_regular_file(path, error) && fs::file_size(path, error) == file.size;
    const auto digest = there ? digest_of(path) : Result<std::string>(std::string());
    if (!digest) return digest.error();
    if (*digest != file.sha256) {
      return invalid_argument("is damaged or cut off: " + file.name + " is not what was backed up",
                              order_.file);
    }
    if (::chmod(path.c_str(), kStoreMode) != 0) return failed("cannot change", path);
    if (auto given = give_to_owner(path, order_.store); !given) return given;
    return flush(path);
  }

  Result<void> place(Restored& restored) {
    if (is_there()) {
      if (auto moved = set_aside(restored.set_aside); !moved) return moved;
    }
    if (auto placed = place_packages(); !placed) return placed;
    if (auto kept = write_epoch(order_.store); !kept) return kept;
    if (auto m = move_file(unpacked_ + "/" + kDatabaseName, order_.store); !m) return m;
    if (auto flushed = flush(folder_of(order_.store)); !flushed) return flushed;
    std::error_code error;
    fs::remove_all(unpacked_, error);
    if (error) return failed("cannot remove", unpacked_, error.message());
    return flush(folder_of(order_.store));
  }

  // Under a name with which it can be opened, log and all. The packages first, as only they may be
  // where nothing can be renamed: then all is as it was. The main file before its log, so that
  // whoever goes on after a crash finds a log alone, never one that fits no file.
  Result<void> set_aside(std::string& name) const {
    auto when = format_utc(SystemClock().now_ms());
    std::erase_if(when, [](char c) { return c == ':' || c == '-' || c == '.'; });
    std::error_code ignored;
    if (has_packages()) {
      if (auto moved = move_file(packages_, packages_ + kSetAsideInfix + when); !moved) {
        fs::remove_all(unpacked_, ignored);
        moved =
            failed("cannot rename the folder of packages (empty it yourself, then restore again)",
                   packages_);
        return moved;
      }
    }
    name = order_.store + kSetAsideInfix + when;
    for (const char* part : {"", "-wal", "-shm"}) {
      if (!fs::exists(order_.store + part, ignored)) continue;
      if (auto moved = move_file(order_.store + part, name + part); !moved) return moved;
    }
    return {};
  }

  Result<void> place_packages() const {
    const auto from = unpacked_ + "/packages";
    std::error_code error;
    if (!fs::exists(from, error)) return {};
    if (::chmod(from.c_str(), kFolderMode) != 0) return failed("cannot change", from);
    if (auto given = give_to_owner(from, order_.store); !given) return given;
    if (auto flushed = flush(from); !flushed) return flushed;
    fs::create_directories(folder_of(packages_), error);
    if (::rename(from.c_str(), packages_.c_str()) == 0) return flush(folder_of(packages_));
    // Another file system.
    fs::create_directories(packages_, error);
    fs::copy(from, packages_, fs::copy_options::overwrite_existing, error);
    if (error) return failed("cannot put the packages into", packages_, error.message());
    for (const auto& entry : fs::directory_iterator(packages_, error)) {
      if (auto given = give_to_owner(entry.path().string(), order_.store); !given) return given;
      if (auto flushed = flush(entry.path().string()); !flushed) return flushed;
    }
    return give_to_owner(packages_, order_.store);
  }

  const RestoreOrder& order_;
  const std::string packages_;
  const std::string unpacked_;
  std::unique_ptr<FileLock> lock_;
};

}  // namespace

Result<Restored> restore_store(const RestoreOrder& order) { return Restore(order).run(); }

Result<void> accept_store(const std::string& store) {
  std::error_code ignored;
  if (!fs::exists(store, ignored)) return not_found("there is no store " + store);
  if (fs::exists(store + kRestoringSuffix, ignored)) {
    return conflict("a restore of it has not come to its end: run mx2ctl restore FILE again");
  }
  const auto lock = take_lock(store);
  if (!lock) return lock.error();
  if (auto written = write_epoch(store); !written) return written;
  return flush(folder_of(store));
}

Result<std::string> digest_of(const std::string& file) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return invalid_argument("cannot be opened", file);
  Sha256 digest;
  std::vector<char> block(kBlockBytes);
  for (;;) {
    const auto n = ::read(fd.get(), block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return invalid_argument("cannot be read", file);
    if (n == 0) return digest.hex();
    digest.update({block.data(), static_cast<std::size_t>(n)});
  }
}

}  // namespace mx2::ctl
