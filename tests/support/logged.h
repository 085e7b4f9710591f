// What is logged while it lives, in place of standard error.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "api/base/fd.h"
#include "api/base/log.h"

namespace mx2::test {

class Logged {
 public:
  Logged() : file_(::memfd_create("log", MFD_CLOEXEC)), before_(::dup(STDERR_FILENO)) {
    ::dup2(file_.get(), STDERR_FILENO);
    log::configure("info", log::Format::kText);
  }
  ~Logged() {
    log::configure("off", log::Format::kText);
    ::dup2(before_.get(), STDERR_FILENO);
  }
  Logged(const Logged&) = delete;
  Logged& operator=(const Logged&) = delete;
  // Lines with that text.
  [[nodiscard]] int count(const std::string& text) const {
    std::ifstream lines("/proc/self/fd/" + std::to_string(file_.get()));
    std::string line;
    int found = 0;
    while (std::getline(lines, line)) found += line.find(text) != std::string::npos ? 1 : 0;
    return found;
  }

 private:
  Fd file_;
  Fd before_;
};

}  // namespace mx2::test
