// An instance as its reconciler knows it; of the .cpp files of HostReconciler alone.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "orchestrator/lifecycle/host_reconciler.h"

namespace mx2 {

inline constexpr int kUnableAfter = 2;  // failures in a row

struct HostReconciler::Slot {
  enum class Doing : std::uint8_t { kNothing, kStarting, kEnding, kCancelling, kRemoving };

  lcm::Instance seen;
  Doing doing = Doing::kNothing;
  bool calling = false;    // an answer is still to come
  std::string operation;   // that goes on there; empty: none that we know
  Time asked;              // when something was asked of it last
  Time begun;              // when it was created, or found
  Time since;              // when it got on last
  Time not_before;         // after calls that failed
  int troubles = 0;        // such calls
  std::uint64_t born = 0;  // the look that was the last when we created it
  bool was_ready = false;
  std::optional<Time> retired;
  std::optional<Time> not_ready_since;
  bool gone = false;

  [[nodiscard]] bool stays() const { return !retired && doing < Doing::kEnding; }
  [[nodiscard]] bool is_stuck() const { return !stays() && troubles >= kUnableAfter; }
  // Whether it may become so: nothing is begun beside it.
  [[nodiscard]] bool blocks() const {
    return doing == Doing::kCancelling || doing == Doing::kRemoving || (!stays() && troubles > 0);
  }
};

template <typename T, typename F>
Callback<Result<T>> HostReconciler::when_alive(F&& use) {
  return [alive = alive_, use = std::forward<F>(use)](Result<T> result) mutable {
    if (alive->self != nullptr) use(*alive->self, std::move(result));
  };
}

template <typename T, typename F>
Callback<Result<T>> HostReconciler::answer_of(Slot& slot, F&& use) {
  slot.calling = true;
  return when_alive<T>([id = slot.seen.id, use](auto& self, const Result<T>& result) {
    const auto it = self.slots_.find(id);
    if (it == self.slots_.end()) return;
    it->second->calling = false;
    use(self, *it->second, result);
  });
}

}  // namespace mx2
