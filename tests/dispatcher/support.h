// What several tests of the dispatcher need.
#pragma once

#include <chrono>
#include <thread>

namespace mx2::dispatcher {

// Waits until `condition` holds, for as long as any test should.
template <typename Condition>
[[nodiscard]] bool eventually(const Condition& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace mx2::dispatcher
