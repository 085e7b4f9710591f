// The thread that an object has for work of its own.
#include "api/base/worker.h"

#include <atomic>
#include <future>

#include "tests/catch.h"

namespace mx2 {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST_CASE("A worker takes a step when one is due, by the step's own word or because it is woken",
          "[base][worker]") {
  std::promise<void> first;
  std::promise<void> third;
  int steps = 0;
  Worker worker;
  worker.start([&]() -> Worker::Time {
    if (++steps == 1) first.set_value();
    if (steps == 1) return Worker::in(milliseconds(1));
    if (steps == 3) third.set_value();
    return steps == 2 ? Worker::kAtOnce : Worker::in(hours(1));
  });
  first.get_future().wait();
  third.get_future().wait();
  CHECK(worker.is_running());
  CHECK(worker.stop());  // the fourth, in an hour
  CHECK(steps == 3);
  CHECK_FALSE(worker.stop());
  CHECK_FALSE(worker.is_running());
  CHECK_FALSE(worker.wake());
}

TEST_CASE("Being woken during a step is no less than before it", "[base][worker]") {
  std::promise<void> second;
  int steps = 0;
  Worker worker(Worker::kWhenWoken);
  worker.start([&] {
    if (++steps == 1) worker.wake();
    if (steps == 2) second.set_value();
    return Worker::kWhenWoken;
  });
  CHECK(worker.wake());
  second.get_future().wait();
  CHECK_FALSE(worker.stop());
  CHECK(steps == 2);
}

TEST_CASE("The sooner of two times to wake counts, and what is due later never comes after the end",
          "[base][worker]") {
  std::promise<void> done;
  Worker worker(Worker::kWhenWoken);
  worker.start([&] {
    done.set_value();
    return Worker::kWhenWoken;
  });
  CHECK(worker.wake(Worker::in(hours(1))));
  CHECK(worker.wake(Worker::in(milliseconds(1))));
  CHECK(worker.wake(Worker::in(hours(2))));
  done.get_future().wait();  // a second step would throw
  CHECK(worker.wake(Worker::in(hours(1))));
  CHECK(worker.stop());
}

TEST_CASE("A step that waits by itself is interrupted in the end, once", "[base][worker]") {
  std::atomic<int> interrupted{0};
  std::promise<void> begun;
  std::promise<void> end;
  Worker worker;
  worker.repeat(
      [&] {
        begun.set_value();
        end.get_future().wait();
      },
      [&] {
        ++interrupted;
        end.set_value();
      });
  begun.get_future().wait();
  worker.stop();
  worker.stop();
  CHECK(interrupted == 1);
}

TEST_CASE("A worker that is stopped before it is started takes no step", "[base][worker]") {
  int steps = 0;
  Worker worker;
  worker.stop();
  worker.start([&] {
    ++steps;
    return Worker::kWhenWoken;
  });
  worker.stop();
  CHECK(steps == 0);
}

}  // namespace
}  // namespace mx2
