// What is asked of a MEPM about one instance, and what becomes of the answers.
#include <algorithm>

#include "orchestrator/lifecycle/host_reconciler_slot.h"

namespace mx2 {
namespace {

using std::chrono::milliseconds;

constexpr auto kSettle = milliseconds(5000);  // from cancelling an operation to failing it

}  // namespace

void HostReconciler::advance(Slot& slot, Time now) {
  if (slot.calling || slot.gone || slot.not_before > now) return;
  if (overdue(slot, now)) return give_up(slot);
  const bool starts = slot.doing == Slot::Doing::kStarting && !slot.operation.empty();
  if (slot.retired && starts) return cancel(slot);
  if (!slot.operation.empty()) return ask(slot);
  if (slot.doing == Slot::Doing::kRemoving) return remove(slot);
  if (slot.retired) {
    if (!slot.seen.instantiated) return remove(slot);
    const auto due = *slot.retired + milliseconds(slot.seen.started ? options_.retire_ms : 0);
    if (due <= now) terminate(slot);
    return;
  }
  if (slot.seen.instantiated) {
    slot.doing = Slot::Doing::kNothing;
    return;
  }
  // It ran, and its MEPM has given it up.
  if (slot.not_ready_since || !slot.seen.last_error.empty()) {
    failed(slot.seen.app_d_id,
           slot.seen.last_error.empty() ? "it has ended" : slot.seen.last_error);
    return remove(slot);
  }
  // It may be starting since an earlier life of ours: it is asked for again now and then.
  const bool again = now - slot.asked > milliseconds(options_.look_ms);
  if (slot.doing == Slot::Doing::kNothing || again) instantiate(slot);
}

milliseconds HostReconciler::limit(const Slot& slot) const {
  const milliseconds operation(options_.operation_ms);
  if (slot.doing == Slot::Doing::kCancelling) return kSettle;
  if (slot.doing == Slot::Doing::kEnding) {
    return operation + std::chrono::seconds(options_.terminate_grace_s);
  }
  return operation + milliseconds(slot.seen.phase == "fetching"
                                      ? options_.fetch_ms
                                      : ready_time_of_(slot.seen.app_d_id));
}

// One that says again and again that it gets on must be ready in the end all the same.
bool HostReconciler::overdue(const Slot& slot, Time now) const {
  if (slot.doing == Slot::Doing::kRemoving) return false;
  if (slot.stays() && slot.seen.started) return false;
  if (!slot.stays() && slot.operation.empty()) return false;
  const bool starts = slot.stays() && !slot.was_ready;
  return now - slot.since >= limit(slot) ||
         (starts && now - slot.begun >= limit(slot) + milliseconds(options_.fetch_ms));
}

// Once is enough for the host to be unable, as each attempt takes so long.
void HostReconciler::give_up(Slot& slot) {
  if (slot.doing >= Slot::Doing::kEnding) return fail(slot);
  if (slot.stays()) {
    auto& app = apps_[slot.seen.app_d_id];
    app.failures = std::max(app.failures, kUnableAfter - 1);
    const auto waited = std::chrono::duration_cast<std::chrono::seconds>(now_ - slot.since);
    failed(slot.seen.app_d_id, "it was not ready after " + std::to_string(waited.count()) + " s");
  }
  if (!slot.operation.empty()) return cancel(slot);
  slot.retired = now_;
  if (!slot.seen.instantiated) remove(slot);
}

// However this is answered, the operation is asked how it goes on.
void HostReconciler::cancel(Slot& slot) {
  slot.doing = Slot::Doing::kCancelling;
  slot.since = now_;
  driver_.cancel(mepm_, slot.operation,
                 answer_of<void>(slot, [](auto&, Slot&, const Result<void>&) {}));
}

// However this is answered, nobody waits for the operation any more.
void HostReconciler::fail(Slot& slot) {
  const bool ends = slot.doing == Slot::Doing::kEnding;
  if (!ends) slot.doing = Slot::Doing::kRemoving;
  driver_.fail(mepm_, slot.operation,
               answer_of<void>(slot, [ends](auto& self, Slot& it, const Result<void>&) {
                 it.operation.clear();
                 if (ends) self.end_again(it);
               }));
}

void HostReconciler::instantiate(Slot& slot) {
  if (slot.asked == Time()) slot.since = now_;
  slot.doing = Slot::Doing::kStarting;
  slot.asked = now_;
  driver_.instantiate(mepm_, slot.seen.id, host_id_,
                      answer_of<std::string>(slot, [](auto& self, Slot& it, const auto& begun) {
                        if (begun) {
                          it.operation = *begun;
                        } else if (begun.error().code != ErrorCode::kConflict) {
                          it.doing = Slot::Doing::kRemoving;
                          self.failed(it.seen.app_d_id, begun.error().detail);
                        }
                      }));
}

void HostReconciler::terminate(Slot& slot) {
  slot.doing = Slot::Doing::kEnding;
  slot.since = now_;
  driver_.terminate(mepm_, slot.seen.id, options_.terminate_grace_s,
                    answer_of<std::string>(slot, [](auto& self, Slot& it, const auto& begun) {
                      if (begun) {
                        it.operation = *begun;
                      } else {
                        self.end_again(it);
                      }
                    }));
}

// A little later.
void HostReconciler::end_again(Slot& slot) {
  slot.retired = now_;
  pause(slot);
}

void HostReconciler::ask(Slot& slot) {
  if (now_ - slot.asked < milliseconds(options_.look_busy_ms)) return;
  slot.asked = now_;
  driver_.operation(mepm_, slot.operation,
                    answer_of<lcm::Operation>(slot, [](auto& self, Slot& it, const auto& state) {
                      if (state) return self.ended(it, *state);
                      if (state.error().code == ErrorCode::kNotFound) self.forgotten(it);
                    }));
}

// Its MEPM does not know the operation any more.
void HostReconciler::forgotten(Slot& slot) {
  slot.operation.clear();
  if (slot.doing == Slot::Doing::kCancelling) slot.doing = Slot::Doing::kRemoving;
  if (slot.doing == Slot::Doing::kEnding) end_again(slot);
}

void HostReconciler::ended(Slot& slot, const lcm::Operation& operation) {
  if (operation.state == lcm::Operation::State::kRunning) return;
  look_at_ = {};
  const auto doing = std::exchange(
      slot.doing, slot.doing == Slot::Doing::kEnding ? slot.doing : Slot::Doing::kNothing);
  if (operation.state == lcm::Operation::State::kCompleted) {
    // The next look shows it; until then it is neither ready nor lost.
    slot.operation.clear();
    slot.seen.instantiated = doing != Slot::Doing::kEnding;
    slot.seen.started = slot.seen.started && slot.seen.instantiated;
    return;
  }
  if (doing == Slot::Doing::kStarting) failed(slot.seen.app_d_id, operation.error);
  if (operation.temporary) return fail(slot);
  slot.operation.clear();
  if (doing == Slot::Doing::kEnding) return end_again(slot);
  slot.doing = Slot::Doing::kRemoving;
}

void HostReconciler::remove(Slot& slot) {
  slot.doing = Slot::Doing::kRemoving;
  driver_.remove(mepm_, slot.seen.id,
                 answer_of<void>(slot, [](auto& self, Slot& it, const Result<void>& removed) {
                   if (removed || removed.error().code == ErrorCode::kNotFound) {
                     it.gone = true;
                     return;
                   }
                   if (removed.error().code == ErrorCode::kConflict) {
                     // It is instantiated after all, or busy.
                     it.doing = Slot::Doing::kNothing;
                     it.seen.instantiated = true;
                   }
                   self.end_again(it);
                 }));
}

}  // namespace mx2
