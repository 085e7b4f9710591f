// A callback of the application, and what it is still to be told. It is called on a thread of its
// own, in order, one event at a time, without a lock of ours, and so it dies: it may do anything,
// and nobody who has news waits for it. Who lags is told of several events as of one.
//
// Inside any callback nobody waits for another to end: two that end each other's would do so for
// ever. All methods are callable from any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace mx2::device {

// Whether this thread is in a callback, of whichever Listener, or in the destructor of one there.
[[nodiscard]] inline bool& in_callback() {
  static thread_local bool inside = false;
  return inside;
}

// `Event` has a `from` and a `to`, of which the latter is the next one's `from`.
template <typename Event>
class Listener {
 public:
  using Callback = std::function<void(const Event&)>;

  Listener() = default;
  // The thread may be that of the callback.
  ~Listener() {
    close();
    if (thread_.joinable()) thread_.detach();
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // The one before is neither running nor alive any more when this returns, unless this thread is
  // in a callback. Empty: none, and what it was still to be told is dropped.
  void set(Callback callback) {
    auto other = callback ? std::make_shared<Callback>(std::move(callback)) : nullptr;
    std::unique_lock lock(shared_->mutex);
    if (shared_->closed) return;
    if (!other) shared_->events.clear();
    other.swap(shared_->callback);
    shared_->wait_until_idle(lock);
  }  // which unlocks before what it replaced dies

  // Dropped if nobody listens. Without a thread to be had it is told with the next event.
  void tell(Event event) {
    const std::lock_guard lock(shared_->mutex);
    if (!shared_->callback) return;
    shared_->add(std::move(event));
    try {
      if (!thread_.joinable()) thread_ = std::thread([shared = shared_] { shared->run(); });
    } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch): see above
    }
    shared_->changed.notify_all();
  }

  // For good: as set() with an empty one, and the thread ends.
  void close() {
    std::shared_ptr<Callback> last;
    std::thread ended;
    std::unique_lock lock(shared_->mutex);
    shared_->closed = true;
    shared_->events.clear();
    last.swap(shared_->callback);
    shared_->changed.notify_all();
    shared_->wait_until_idle(lock);
    if (!in_callback()) ended = std::move(thread_);
    lock.unlock();
    if (ended.joinable()) ended.join();
  }

 private:
  // Outlives the Listener if the callback destroys that.
  struct Shared {
    static constexpr std::size_t kEventsMax = 64;

    std::mutex mutex;
    std::condition_variable changed;
    std::shared_ptr<Callback> callback;
    std::deque<Event> events;
    bool running = false;
    bool closed = false;

    void add(Event event) {
      if (events.size() < kEventsMax) return events.push_back(std::move(event));
      event.from = std::move(events.back().from);
      events.back() = std::move(event);
      if (events.back().from == events.back().to) events.pop_back();
    }

    void wait_until_idle(std::unique_lock<std::mutex>& lock) {
      if (!in_callback()) changed.wait(lock, [this] { return !running; });
    }

    void run() {
      std::unique_lock lock(mutex);
      for (;;) {
        changed.wait(lock, [this] { return closed || !events.empty(); });
        if (closed) return;
        const auto event = std::move(events.front());
        events.pop_front();
        running = true;
        call(callback, event, lock);
        running = false;
        changed.notify_all();
      }
    }

    static void call(std::shared_ptr<Callback> callback, const Event& event,
                     std::unique_lock<std::mutex>& lock) {
      lock.unlock();
      in_callback() = true;
      try {
        (*callback)(event);
      } catch (...) {  // NOLINT(bugprone-empty-catch): the application's; see client.h
      }
      callback.reset();  // perhaps the last of it
      in_callback() = false;
      lock.lock();
    }
  };

  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::thread thread_;  // from the first event on
};

}  // namespace mx2::device
