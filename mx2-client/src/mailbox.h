// Notifications on their way from the callback server's thread to the keeper of one context.
// All methods are callable from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "mx2-client/src/notification.h"

namespace mx2::device {

class Mailbox {
 public:
  // False: it is about another context, or nobody reads any more.
  [[nodiscard]] bool post(Told told) {
    const auto& named = context_id_of(told.what);
    const std::lock_guard lock(mutex_);
    if (closed_ || (!named.empty() && owner_ && *owner_ != named)) return false;
    if (news_.size() >= kNewsMax) news_.pop_front();  // reading the context makes up for it
    news_.push_back(std::move(told));
    arrived_.notify_all();
    return true;
  }

  // Before this, news of any context is taken: a notification may overtake the answer to the
  // creation.
  void belongs_to(const std::string& context_id) {
    const std::lock_guard lock(mutex_);
    owner_ = context_id;
  }

  // What has come, after at most `wait`.
  [[nodiscard]] std::deque<Told> take(std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, wait, [&] { return closed_ || !news_.empty(); });
    return std::exchange(news_, {});
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    arrived_.notify_all();
  }

 private:
  static constexpr std::size_t kNewsMax = 64;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Told> news_;
  std::optional<std::string> owner_;
  bool closed_ = false;
};

}  // namespace mx2::device
