// What is asked of the planner from outside: by the API and by SIGHUP. Bounded.
//
// Threads: any. Whoever asks is answered from the planning thread.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "api/http/http.h"

namespace mx2::optimizer {

class Control {
 public:
  static constexpr std::size_t kRequestsMax = 16;

  enum class Wish : std::uint8_t { kPlan, kDryRun, kPause, kResume };
  struct Request {
    Wish wish = Wish::kPlan;
    http::Responder responder;
  };

  // `wake` is called, from any thread, when something has been asked.
  explicit Control(std::function<void()> wake) : wake_(std::move(wake)) {}
  Control() = default;

  // Answers 429 itself when too many are waiting.
  void ask(Wish wish, http::Responder responder);
  void ask_reload();
  // Answers who is waiting, and takes no more.
  void stop();

  [[nodiscard]] std::vector<Request> take_requests();
  [[nodiscard]] bool take_reload();

 private:
  const std::function<void()> wake_ = [] {};
  std::mutex mutex_;
  std::vector<Request> requests_;
  bool reload_ = false;
  bool stop_ = false;
};

}  // namespace mx2::optimizer
