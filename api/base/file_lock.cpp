#include "api/base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace mx2 {
namespace {

constexpr std::size_t kLockTextMax = 256;

}  // namespace

Result<std::unique_ptr<FileLock>> FileLock::take(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!fd.is_open()) return unavailable("cannot write to the directory of " + path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return std::unique_ptr<FileLock>();
  return std::unique_ptr<FileLock>(new FileLock(std::move(fd)));
}

std::string FileLock::text() const {
  std::string text(kLockTextMax, '\0');
  const auto got = ::pread(fd_.get(), text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

void FileLock::set_text(const std::string& text) {
  if (::ftruncate(fd_.get(), 0) != 0) return;
  const auto written = ::pwrite(fd_.get(), text.data(), text.size(), 0);
  if (written != static_cast<ssize_t>(text.size())) static_cast<void>(::ftruncate(fd_.get(), 0));
}

}  // namespace mx2
