#include "api/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "api/base/fd.h"
#include "api/base/text.h"

namespace mx2 {
namespace {

constexpr mode_t kOwnersAlone = S_IRUSR | S_IWUSR;

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  if (!in || !(bytes << in.rdbuf())) return invalid_argument("cannot be read", path);
  auto content = std::move(bytes).str();
  if (content.size() <= bytes_max) return content;
  return invalid_argument("is larger than " + std::to_string(bytes_max >> 20U) + " MiB", path);
}

// By its name: whoever closes a descriptor of a file loses all locks that the process has on it.
void keep_private(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return;
  if (found.st_uid != ::geteuid() || (found.st_mode & (S_IRWXG | S_IRWXO)) == 0) return;
  static_cast<void>(::chmod(path.c_str(), kOwnersAlone));
}

void make_private(const std::string& path) {
  const Fd made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnersAlone));
  if (!made.is_open()) keep_private(path);
}

std::string first_line(const std::string& content) {
  return std::string(trim(std::string_view(content).substr(0, content.find_first_of("\r\n"))));
}

}  // namespace mx2
