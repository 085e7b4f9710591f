// An exclusive lock on a file, held for the life of the object and gone with the process, also a
// killed one. The file may have a text, which stays when the lock has gone.
#pragma once

#include <memory>
#include <string>

#include "api/base/fd.h"
#include "api/base/result.h"

namespace mx2 {

class FileLock {
 public:
  // Makes the file if it is missing. A null pointer: somebody else holds the lock. unavailable: the
  // file cannot be made.
  [[nodiscard]] static Result<std::unique_ptr<FileLock>> take(const std::string& path);

  // At most 256 bytes of it; empty when there is none, or it cannot be read.
  [[nodiscard]] std::string text() const;
  // Takes the place of the one before. What cannot be written is not.
  void set_text(const std::string& text);

 private:
  explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace mx2
