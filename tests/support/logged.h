// What is logged while it lives, in place of standard error.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "api/base/fd.h"
#include "api/base/log.h"

namespace mx2::test {

class Logged {
 public:
  explicit Logged(log::Format format = log::Format::kText, const std::string& program = {})
      : file_(::memfd_create("log", MFD_CLOEXEC)), before_(::dup(STDERR_FILENO)) {
    ::dup2(file_.get(), STDERR_FILENO);
    log::configure("info", format, program);
  }
  ~Logged() {
    log::configure("off", log::Format::kText);
    ::dup2(before_.get(), STDERR_FILENO);
  }
  Logged(const Logged&) = delete;
  Logged& operator=(const Logged&) = delete;
  // Lines with that text.
  [[nodiscard]] int count(const std::string& text) const {
    int found = 0;
    for (const auto& line : lines()) found += line.find(text) != std::string::npos ? 1 : 0;
    return found;
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    std::ifstream file("/proc/self/fd/" + std::to_string(file_.get()));
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);) all.push_back(line);
    return all;
  }

 private:
  Fd file_;
  Fd before_;
};

}  // namespace mx2::test
