#include "optimizer/control.h"

#include <chrono>

#include "api/http/problem.h"

namespace mx2::optimizer {

void Control::ask(Wish wish, http::Responder responder) {
  {
    const std::lock_guard lock(mutex_);
    if (!stop_ && requests_.size() < kRequestsMax) {
      requests_.push_back({wish, std::move(responder)});
      wake_.notify_all();
      return;
    }
  }
  responder.reply(http::problem_reply(
      {ErrorCode::kTooMany, "too much has been asked for already", {}, {}, {}, 1}));
}

void Control::ask_reload() {
  const std::lock_guard lock(mutex_);
  reload_ = true;
  wake_.notify_all();
}

void Control::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  wake_.notify_all();
}

void Control::stop() {
  std::vector<Request> unanswered;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    unanswered = std::move(requests_);
    requests_.clear();
    wake_.notify_all();
  }
  for (auto& request : unanswered) {
    request.responder.reply(http::problem_reply(unavailable("the optimizer is stopping")));
  }
}

std::vector<Control::Request> Control::take_requests() {
  const std::lock_guard lock(mutex_);
  return std::exchange(requests_, {});
}

bool Control::take_reload() {
  const std::lock_guard lock(mutex_);
  return std::exchange(reload_, false);
}

bool Control::wait(int ms) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, std::chrono::milliseconds(ms),
                 [this] { return stop_ || reload_ || woken_ || !requests_.empty(); });
  woken_ = false;
  return !stop_;
}

}  // namespace mx2::optimizer
