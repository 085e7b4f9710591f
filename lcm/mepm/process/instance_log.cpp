#include "lcm/mepm/process/instance_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "api/base/fd.h"
#include "api/base/text.h"
#include "lcm/mepm/state_dir.h"

namespace mx2::mepm::process {
namespace {

// Its owner may have put something else in its place, where it has no user of its own.
Fd open_log(const std::string& path, int how, std::uint64_t& size) {
  Fd file(::open(path.c_str(), how | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat found {};
  if (!file.is_open() || ::fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode)) return {};
  size = static_cast<std::uint64_t>(found.st_size);
  return file;
}

std::string last_bytes(const Fd& file, std::uint64_t size, std::uint64_t count) {
  const auto from = size - std::min(size, count);
  std::string text(static_cast<std::size_t>(size - from), '\0');
  const auto got = ::pread(file.get(), text.data(), text.size(), static_cast<off_t>(from));
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
  return text;
}

}  // namespace

void bound_log(const std::string& path, std::uint64_t bytes_max) {
  std::uint64_t size = 0;
  const auto file = open_log(path, O_RDWR, size);
  if (!file.is_open() || size <= bytes_max) return;
  (void)replace_file(path + ".1", last_bytes(file, size, bytes_max / 2));
  (void)!::ftruncate(file.get(), 0);  // O_APPEND goes on from there
}

std::string log_tail(const std::string& path, std::size_t bytes_max) {
  std::uint64_t size = 0;
  const auto file = open_log(path, O_RDONLY, size);
  if (!file.is_open()) return {};
  auto text = last_bytes(file, size, bytes_max);
  for (auto& c : text) {
    if (c < ' ' || c > '~') c = ' ';
  }
  return std::string(trim(text));
}

}  // namespace mx2::mepm::process
