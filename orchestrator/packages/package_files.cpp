#include "orchestrator/packages/package_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "api/base/file.h"
#include "api/base/ids.h"
#include "api/base/log.h"

namespace mx2 {
namespace {

constexpr const char* kSuffix = ".pkg";

Error disk_error(const std::string& what) {
  const int code = errno;
  return unavailable(
      code == ENOSPC || code == EDQUOT ? "the storage is full" : "the storage does not work",
      what + ": " + std::strerror(code));
}

Result<void> flush_directory(const std::string& directory) {
  const Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open() || ::fsync(fd.get()) != 0) return disk_error(directory);
  return {};
}

}  // namespace

IncomingFile::IncomingFile(Fd fd, std::string path, std::string name, std::string directory)
    : fd_(std::move(fd)),
      path_(std::move(path)),
      name_(std::move(name)),
      directory_(std::move(directory)) {}

IncomingFile::~IncomingFile() {
  if (fd_.is_open() && !path_.empty()) ::unlink(path_.c_str());
}

Result<void> IncomingFile::write(std::string_view bytes) {
  digest_.update(bytes);
  size_ += bytes.size();
  while (!bytes.empty()) {
    const auto written = ::write(fd_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return disk_error(path_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> IncomingFile::keep() {
  if (::fsync(fd_.get()) != 0) return disk_error(path_);
  if (::rename(path_.c_str(), name_.c_str()) != 0) return disk_error(name_);
  path_.clear();
  return flush_directory(directory_);
}

Result<PackageFiles> PackageFiles::open(std::string directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error || ::access(directory.c_str(), W_OK | X_OK) != 0) {
    return unavailable("packages.directory " + directory + " cannot be written");
  }
  return PackageFiles(std::move(directory));
}

std::string PackageFiles::path_of(const std::string& id) const {
  return directory_ + "/" + id + kSuffix;
}

Result<IncomingFile> PackageFiles::begin(const std::string& id) const {
  std::string path = directory_ + "/." + id + ".XXXXXX";
  Fd fd(::mkostemp(path.data(), O_CLOEXEC));  // 0600
  if (!fd.is_open()) return disk_error(path);
  return IncomingFile(std::move(fd), std::move(path), path_of(id), directory_);
}

bool PackageFiles::has(const std::string& id) const {
  std::error_code error;
  return std::filesystem::is_regular_file(path_of(id), error);
}

Result<std::string> PackageFiles::read(const std::string& id, std::uint64_t offset,
                                       std::uint64_t length) const {
  const Fd fd(::open(path_of(id).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return not_found("the content of this package is missing");
  std::string bytes(length, '\0');
  std::size_t got = 0;
  while (got < length) {
    const auto n =
        ::pread(fd.get(), bytes.data() + got, length - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  if (got < length) return unavailable("the content of this package cannot be read", path_of(id));
  return bytes;
}

void PackageFiles::remove(const std::string& id) const { ::unlink(path_of(id).c_str()); }

// Only names that we give: the directory may turn out to be somebody else's.
std::size_t PackageFiles::keep_only(const std::set<std::string>& ids) const {
  constexpr std::size_t kIdChars = 32;
  std::size_t removed = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
    const auto name = entry.path().filename().string();
    const bool part = name.size() > kIdChars + 2 && name[0] == '.' &&
                      is_hex32(name.substr(1, kIdChars)) && name[kIdChars + 1] == '.';
    const bool content = name.size() == kIdChars + std::strlen(kSuffix) &&
                         name.substr(kIdChars) == kSuffix && is_hex32(name.substr(0, kIdChars));
    if (content) keep_private(entry.path().string());
    if (!part && !(content && ids.count(name.substr(0, kIdChars)) == 0)) continue;
    if (::unlink(entry.path().c_str()) == 0) ++removed;
  }
  if (removed > 0) log::info("files of no package removed", {{"files", removed}});
  return removed;
}

}  // namespace mx2
