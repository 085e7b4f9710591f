// A program that we started: its words go to a file, and it ends when we do.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "api/base/child.h"

namespace mx2::emulator {

class Program {
 public:
  // unavailable when it cannot be started. To be called by a thread that lives as long as we.
  [[nodiscard]] static Result<Program> start(std::vector<std::string> command,
                                             std::string log_file);
  Program() = default;
  ~Program();
  Program(Program&&) noexcept = default;
  Program& operator=(Program&&) noexcept = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // What follows `text` up to the next blank in its words, as soon as it is there. unavailable with
  // its last words when it ends before, or says nothing of the kind for `timeout_ms`.
  [[nodiscard]] Result<std::string> wait_for(const std::string& text, int timeout_ms);
  void signal(int number) const { child_.signal(number); }
  [[nodiscard]] bool is_running() { return child_.is_known() && !child_.ended(); }

 private:
  Program(Child child, std::string log_file)
      : child_(std::move(child)), log_file_(std::move(log_file)) {}

  Child child_;
  std::string log_file_;
};

}  // namespace mx2::emulator
