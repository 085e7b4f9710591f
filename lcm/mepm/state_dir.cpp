#include "lcm/mepm/state_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "api/base/log.h"

namespace mx2::mepm {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kRecordBytesMax = 1U << 20U;
constexpr mode_t kPrivateFile = 0600;

}  // namespace

Result<void> make_directory(const std::string& path, mode_t mode) {
  std::error_code failed;
  fs::create_directories(path, failed);
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return unavailable(path + ": " + std::strerror(errno));
  if (!S_ISDIR(found.st_mode)) return unavailable(path + " is no directory");
  if (found.st_uid != ::geteuid() || (found.st_mode & ALLPERMS) == mode) return {};
  if (::chmod(path.c_str(), mode) == 0) return {};
  return unavailable(path + ": " + std::strerror(errno));
}

Result<Fd> lock_directory(const std::string& path) {
  const auto name = path + "/lock";
  Fd file(::open(name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kPrivateFile));
  if (!file.is_open()) return unavailable(name + ": " + std::strerror(errno));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno == EWOULDBLOCK) return conflict(path + " is in use by another mx2-mepm");
  return unavailable(name + " cannot be locked: " + std::strerror(errno));
}

Result<void> replace_file(const std::string& path, const std::string& content) {
  const auto fresh = path + ".new";
  ::unlink(fresh.c_str());
  {
    const Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kPrivateFile));
    const bool written = file.is_open() &&
                         ::write(file.get(), content.data(), content.size()) == std::ssize(content);
    if (!written) return unavailable("cannot write the state", fresh + ": " + std::strerror(errno));
  }
  std::error_code failed;
  fs::rename(fresh, path, failed);
  if (failed) return unavailable("cannot write the state", path + ": " + failed.message());
  return {};
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return not_found("cannot read " + path);
  std::string content(bytes_max, '\0');
  file.read(content.data(), static_cast<std::streamsize>(bytes_max));
  content.resize(static_cast<std::size_t>(file.gcount()));
  return content;
}

Result<void> StateDir::put(const std::string& kind, const std::string& id,
                           const json::Value& document) const {
  const auto folder = fs::path(directory_) / kind;
  auto written = make_directory(folder.string(), kPrivate);
  if (written) written = replace_file((folder / (id + ".json")).string(), json::dump(document));
  if (!written) log::error("state not written", {{"error", written.error().internal_text}});
  return written;
}

void StateDir::remove(const std::string& kind, const std::string& id) const {
  std::error_code ignored;
  fs::remove(fs::path(directory_) / kind / (id + ".json"), ignored);
}

std::vector<std::pair<std::string, json::Value>> StateDir::load(const std::string& kind) const {
  std::vector<std::pair<std::string, json::Value>> found;
  const auto folder = fs::path(directory_) / kind;
  if (auto made = make_directory(folder.string(), kPrivate); !made) {
    log::error("state not readable", {{"error", made.error().detail}});
  }
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    if (entry.path().extension() != ".json") continue;
    ::chmod(entry.path().c_str(), kPrivateFile);
    const auto text = read_file(entry.path().string(), kRecordBytesMax);
    auto document = text ? json::parse(*text) : text.error();
    if (document) {
      found.emplace_back(entry.path().stem().string(), std::move(*document));
    } else {
      log::warn("record left out", {{"file", entry.path().string()}});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return found;
}

}  // namespace mx2::mepm
