// A file descriptor that is closed in the end: a file, a socket, a pipe, an eventfd.
//
// Owned by one object at a time, which may be moved. Threads: as an int.
#pragma once

#include <utility>

namespace mx2 {

class Fd {
 public:
  Fd() = default;
  // Takes it over; a negative one, as a failed system call returns it, is none.
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { close(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  // What this had is closed with `other`.
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  // Stays ours.
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  // No longer ours.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  // Before its time; what close(2) says is not looked at.
  void close();

 private:
  int fd_ = -1;
};

}  // namespace mx2
