// An exclusive lock on a file, held for the life of the object and gone with the process, also a
// killed one.
#pragma once

#include <memory>
#include <string>

#include "api/base/result.h"

namespace mx2 {

class FileLock {
 public:
  // Makes the file if it is missing. A null pointer: somebody else holds the lock. unavailable: the
  // file cannot be made.
  [[nodiscard]] static Result<std::unique_ptr<FileLock>> take(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace mx2
