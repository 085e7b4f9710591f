// The contents of packages, as files of one directory named by the package's identifier. A file
// that has its name is complete and on the disk: it was written under another name, flushed, and
// renamed.
//
// Threads: any; all calls may wait for the disk.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "api/base/digest.h"
#include "api/base/fd.h"
#include "api/base/result.h"

namespace mx2 {

// Where a content arrives. Unless it is kept, nothing of it is left.
class IncomingFile {
 public:
  ~IncomingFile();
  IncomingFile(IncomingFile&& other) noexcept = default;
  IncomingFile& operator=(IncomingFile&&) = delete;

  Result<void> write(std::string_view bytes);
  // Flushes it and gives it its name, in the place of an older one.
  Result<void> keep();

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::string sha256() const { return digest_.hex(); }

 private:
  friend class PackageFiles;
  IncomingFile(Fd fd, std::string path, std::string name, std::string directory);

  Fd fd_;
  std::string path_;  // empty: kept
  std::string name_;  // once kept
  std::string directory_;
  Sha256 digest_;
  std::uint64_t size_ = 0;
};

class PackageFiles {
 public:
  // Made when there is none. unavailable with the reason when it cannot be used.
  [[nodiscard]] static Result<PackageFiles> open(std::string directory);

  [[nodiscard]] Result<IncomingFile> begin(const std::string& id) const;
  [[nodiscard]] std::string path_of(const std::string& id) const;
  [[nodiscard]] bool has(const std::string& id) const;
  // not_found when there is no file; from `offset`, at most `length` bytes.
  [[nodiscard]] Result<std::string> read(const std::string& id, std::uint64_t offset,
                                         std::uint64_t length) const;
  void remove(const std::string& id) const;
  // Removes whatever else a crash has left; how many files. Those of earlier versions are their
  // owner's alone afterwards, as new ones are.
  std::size_t keep_only(const std::set<std::string>& ids) const;

 private:
  explicit PackageFiles(std::string directory) : directory_(std::move(directory)) {}

  std::string directory_;
};

}  // namespace mx2
