#include "optimizer/control.h"

#include <chrono>

#include "api/http/problem.h"

namespace mx2::optimizer {

void Control::ask(Wish wish, http::Responder responder) {
  {
    const std::lock_guard lock(mutex_);
    if (!stop_ && requests_.size() < kRequestsMax) {
      requests_.push_back({wish, std::move(responder)});
      worker_.wake();
      return;
    }
  }
  responder.reply(http::problem_reply(
      {ErrorCode::kTooMany, "too much has been asked for already", {}, {}, {}, 1}));
}

void Control::ask_reload() {
  const std::lock_guard lock(mutex_);
  reload_ = true;
  worker_.wake();
}

void Control::start(std::function<int()> step) {
  worker_.start([step = std::move(step)] { return Worker::in(std::chrono::milliseconds(step())); });
}

void Control::stop() {
  std::vector<Request> unanswered;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    unanswered = std::move(requests_);
    requests_.clear();
  }
  for (auto& request : unanswered) {
    request.responder.reply(http::problem_reply(unavailable("the optimizer is stopping")));
  }
  worker_.stop();
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
