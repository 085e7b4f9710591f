// What is to happen, in order of time and, at the same time, in the order it was scheduled: a heap
// of four children a node, 16 bytes an event.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "emulator/time.h"

namespace mx2::emulator {

enum class EventKind : std::uint8_t {
  kSend,        // a UE makes a call
  kAtNode,      // a message of a call arrives at a node, or leaves the dispatcher there
  kTaskDone,    // a host's next task is complete
  kDelivered,   // a call's answer is at the UE
  kMove,        // a UE changes cell
  kContextEnd,  // its context ends and is made again
  kContextNew,  // the orchestrator's answer to that is there
  kNotified,    // a notification is there
  kHotSpot,     // the hot spot moves
  kReport,      // hosts report their load
  kPlan,        // the Optimizer's period
};

struct Event {
  Time time = 0;
  std::uint32_t sequence = 0;
  std::uint32_t code = 0;  // kind and id

  static constexpr unsigned kIdBits = 28;
  static constexpr std::uint32_t kIdMax = (1U << kIdBits) - 1;

  [[nodiscard]] EventKind kind() const { return static_cast<EventKind>(code >> kIdBits); }
  [[nodiscard]] std::uint32_t id() const { return code & kIdMax; }
};

class EventQueue {
 public:
  void reserve(std::size_t events) { heap_.reserve(events); }
  [[nodiscard]] bool empty() const { return heap_.empty(); }
  // kNever when there is nothing.
  [[nodiscard]] Time next_time() const { return heap_.empty() ? kNever : heap_.front().time; }

  void push(Time time, EventKind kind, std::uint32_t id) {
    const Event event{time, sequence_++, (static_cast<std::uint32_t>(kind) << Event::kIdBits) | id};
    auto hole = heap_.size();
    heap_.push_back(event);
    while (hole > 0) {
      const auto parent = (hole - 1) / kChildren;
      if (!before(event, heap_[parent])) break;
      heap_[hole] = heap_[parent];
      hole = parent;
    }
    heap_[hole] = event;
  }

  Event pop() {
    const auto first = heap_.front();
    const auto last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink(last);
    return first;
  }

 private:
  static constexpr std::size_t kChildren = 4;

  static bool before(const Event& a, const Event& b) {
    return a.time != b.time ? a.time < b.time : a.sequence < b.sequence;
  }

  void sink(const Event& event) {
    const auto size = heap_.size();
    std::size_t hole = 0;
    for (;;) {
      const auto begin = hole * kChildren + 1;
      if (begin >= size) break;
      const auto end = begin + kChildren < size ? begin + kChildren : size;
      auto least = begin;
      for (auto child = begin + 1; child < end; ++child) {
        if (before(heap_[child], heap_[least])) least = child;
      }
      if (!before(heap_[least], event)) break;
      heap_[hole] = heap_[least];
      hole = least;
    }
    heap_[hole] = event;
  }

  std::vector<Event> heap_;
  std::uint32_t sequence_ = 0;
};

}  // namespace mx2::emulator
