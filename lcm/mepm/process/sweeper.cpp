#include "lcm/mepm/process/sweeper.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <utility>

#include "api/base/child.h"
#include "api/base/log.h"

namespace mx2::mepm::process {
namespace {

constexpr int kEntriesMax = 65536;  // looked at in a place that is everybody's
constexpr int kPassesMax = 1'000'000;
constexpr int kRemoveIpcMsMax = 5000;
constexpr const char* kEverybodys[] = {"/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock"};

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

Directory open_directory(int at, const char* name) {
  const int fd = ::openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  Directory directory(fd < 0 ? nullptr : ::fdopendir(fd), ::closedir);
  if (!directory && fd >= 0) ::close(fd);
  return directory;
}

// The next entry; none: that was the last.
const char* next_name(DIR* directory) {
  while (const auto* entry = ::readdir(directory)) {  // NOLINT(concurrency-mt-unsafe)
    const std::string name = entry->d_name;
    if (name != "." && name != "..") return entry->d_name;
  }
  return nullptr;
}

// A directory is emptied into the one that it is in, and removed: so depth costs neither
// descriptors nor stack, and paths never grow too long.
class Flattening {
 public:
  Flattening(DIR* top, const std::atomic<bool>& stopping) : top_(top), stopping_(stopping) {}

  // False: something is left.
  bool run() {
    for (int pass = 0; pass < kPassesMax && !stopping_; ++pass) {
      const auto before = removed_;
      const auto moved = moved_;
      ::rewinddir(top_);
      bool left = false;
      while (const char* name = next_name(top_)) {
        if (stopping_) return false;
        left |= !remove(name);
      }
      if (!left && moved_ == moved) return true;
      if (removed_ == before) return false;
    }
    return false;
  }

 private:
  bool remove(const char* name) {
    const int top = ::dirfd(top_);
    if (::unlinkat(top, name, 0) == 0) return ++removed_ > 0;
    struct stat found {};
    if (::fstatat(top, name, &found, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(found.st_mode)) {
      return false;
    }
    ::fchmodat(top, name, S_IRWXU, 0);  // its owner may have closed it
    if (const auto directory = open_directory(top, name)) empty(directory.get(), found.st_dev);
    if (::unlinkat(top, name, AT_REMOVEDIR) != 0) return false;
    return ++removed_ > 0;
  }

  void empty(DIR* directory, dev_t device) {
    const int fd = ::dirfd(directory);
    struct stat top {};
    if (::fstat(::dirfd(top_), &top) != 0 || top.st_dev != device) return;  // mounted there
    while (const char* name = next_name(directory)) {
      if (stopping_) return;
      if (::unlinkat(fd, name, 0) == 0 || ::unlinkat(fd, name, AT_REMOVEDIR) == 0) {
        ++removed_;
        continue;
      }
      struct stat found {};
      if (::fstatat(fd, name, &found, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(found.st_mode))
        continue;
      ::fchmodat(fd, name, S_IRWXU, 0);
      const auto up = ".mx2-" + std::to_string(++moved_);
      if (::renameat(fd, name, ::dirfd(top_), up.c_str()) == 0) ++removed_;
    }
  }

  DIR* top_;
  const std::atomic<bool>& stopping_;
  std::uint64_t removed_ = 0;  // or moved up, where they are removed next
  std::uint64_t moved_ = 0;
};

// Names in `place` that are the user's, until `use` says that it is enough.
void each_of(const char* place, uid_t user, const std::function<bool(const std::string&)>& use) {
  const auto directory = open_directory(AT_FDCWD, place);
  if (!directory) return;
  for (int i = 0; i < kEntriesMax; ++i) {
    const char* name = next_name(directory.get());
    if (name == nullptr) return;
    struct stat found {};
    const bool is_its =
        ::fstatat(::dirfd(directory.get()), name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
        found.st_uid == user;
    if (is_its && !use(std::string(place) + "/" + name)) return;
  }
}

// A table of /proc/sysvipc: the second column is the identifier, another the creator. Whoever has
// been given something by its creator does not have to keep it.
struct IpcTable {
  const char* name;
  int creator_column;
  void (*remove)(int id);
};
constexpr std::array kIpcTables{
    IpcTable{"shm", 9, [](int id) { ::shmctl(id, IPC_RMID, nullptr); }},
    IpcTable{"sem", 6, [](int id) { ::semctl(id, 0, IPC_RMID); }},
    IpcTable{"msg", 9, [](int id) { ::msgctl(id, IPC_RMID, nullptr); }}};

std::vector<int> made_by(uid_t user, const IpcTable& table) {
  std::vector<int> ids;
  std::ifstream file(std::string("/proc/sysvipc/") + table.name);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::int64_t value = 0;
    int id = -1;
    for (int column = 0; column <= table.creator_column && fields >> value; ++column) {
      if (column == 1) id = static_cast<int>(value);
    }
    if (fields && value == static_cast<std::int64_t>(user)) ids.push_back(id);
  }
  return ids;
}

// Its creator can, and CAP_SYS_ADMIN, which is more than we should have.
void remove_ipc(uid_t user, const IpcTable& table) {
  const auto ids = made_by(user, table);
  if (ids.empty()) return;
  auto child = fork_bare();
  if (child.pid == 0) {
    if (::syscall(SYS_setresuid, user, user, user) != 0) ::_exit(1);
    for (const int id : ids) table.remove(id);
    ::_exit(0);
  }
  if (child.pid > 0) end_child(std::move(child.pidfd), kRemoveIpcMsMax);
}

void sweep_after(uid_t user, const std::atomic<bool>& stopping) {
  for (const auto* place : kEverybodys) {
    each_of(place, user, [&](const std::string& path) {
      remove_tree(path, stopping);
      return !stopping.load();
    });
  }
  for (const auto& table : kIpcTables) remove_ipc(user, table);
}

}  // namespace

bool owns_anything(uid_t user) {
  const auto has = [&](const auto& table) { return !made_by(user, table).empty(); };
  if (std::any_of(kIpcTables.begin(), kIpcTables.end(), has)) return true;
  bool found = false;
  for (const auto* place : kEverybodys) {
    each_of(place, user, [&](const std::string&) {
      found = true;
      return false;
    });
  }
  return found;
}

bool remove_tree(const std::string& path, const std::atomic<bool>& stopping) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return true;
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) return false;
  ::fchmodat(AT_FDCWD, path.c_str(), S_IRWXU, 0);
  const auto directory = open_directory(AT_FDCWD, path.c_str());
  return directory && Flattening(directory.get(), stopping).run() && ::rmdir(path.c_str()) == 0;
}

Sweeper::Sweeper() {
  worker_.start([this] { return step(); }, [this] { stopping_ = true; });
}

void Sweeper::sweep(const std::string& directory, const std::optional<uid_t>& user) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back({directory, user});
  worker_.wake();
}

std::vector<uid_t> Sweeper::take_swept() {
  const std::lock_guard lock(mutex_);
  return std::exchange(swept_, {});
}

Worker::Time Sweeper::step() {
  std::unique_lock lock(mutex_);
  if (tasks_.empty()) return Worker::kWhenWoken;
  const auto task = std::move(tasks_.front());
  tasks_.pop_front();
  lock.unlock();
  if (task.user) sweep_after(*task.user, stopping_);
  if (!remove_tree(task.directory, stopping_) && !stopping_) {
    log::warn("not all that an instance has left can be removed", {{"path", task.directory}});
  }
  lock.lock();
  if (task.user) swept_.push_back(*task.user);
  return Worker::kAtOnce;
}

}  // namespace mx2::mepm::process
