#include "orchestrator/store/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace mx2 {

Result<std::unique_ptr<FileLock>> FileLock::take(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return unavailable("cannot write to the directory of " + path);
  auto lock = std::unique_ptr<FileLock>(new FileLock(fd));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return std::unique_ptr<FileLock>();
  return lock;
}

FileLock::~FileLock() { ::close(fd_); }

}  // namespace mx2
