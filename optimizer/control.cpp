#include "optimizer/control.h"

#include "api/http/problem.h"

namespace mx2::optimizer {

void Control::ask(Wish wish, http::Responder responder) {
  {
    const std::lock_guard lock(mutex_);
    if (!stop_ && requests_.size() < kRequestsMax) {
      requests_.push_back({wish, std::move(responder)});
      return wake_();
    }
  }
  responder.reply(http::problem_reply(
      refused_as(ErrorCode::kTooMany, "too much has been asked for already", {}, 1)));
}

void Control::ask_reload() {
  const std::lock_guard lock(mutex_);
  reload_ = true;
  wake_();
}

void Control::stop() {
  std::vector<Request> unanswered;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    unanswered = std::exchange(requests_, {});
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

}  // namespace mx2::optimizer
