// A value that is replaced as a whole while others use it: they go on with the one they have got.
//
// Threads: any.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace mx2 {

template <typename T>
class Live {
 public:
  explicit Live(T value) : value_(std::make_shared<const T>(std::move(value))) {}
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;

  // Never null.
  [[nodiscard]] std::shared_ptr<const T> get() const {
    const std::lock_guard guard(mutex_);
    return value_;
  }
  void set(T value) {
    auto next = std::make_shared<const T>(std::move(value));
    const std::lock_guard guard(mutex_);
    value_.swap(next);  // the one before ends outside, after the lock
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
};

}  // namespace mx2
