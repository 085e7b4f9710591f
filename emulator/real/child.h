// A program that we started: its words go to a file, and it ends when we do.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "api/base/result.h"

namespace mx2::emulator {

class Child {
 public:
  // unavailable when it cannot be started. To be called by a thread that lives as long as we.
  [[nodiscard]] static Result<Child> start(const std::vector<std::string>& command,
                                           std::string log_file);
  Child() = default;
  ~Child() { stop(); }
  Child(Child&& other) noexcept { swap(other); }
  Child& operator=(Child&& other) noexcept {
    swap(other);
    return *this;
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // What follows `text` up to the next blank in its words, as soon as it is there. unavailable with
  // its last words when it ends before, or says nothing of the kind for `timeout_ms`.
  [[nodiscard]] Result<std::string> wait_for(const std::string& text, int timeout_ms);
  void signal(int number) const;
  // SIGTERM, and SIGKILL after a while.
  void stop();
  [[nodiscard]] bool is_running();

 private:
  void swap(Child& other) noexcept;

  pid_t pid_ = -1;
  std::string log_file_;
};

}  // namespace mx2::emulator
