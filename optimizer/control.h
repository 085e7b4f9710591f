// The planning thread, and what is asked of it from outside: by the API and by SIGHUP. Bounded.
//
// Threads: any. Whoever asks is answered from the planning thread.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "api/base/worker.h"
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

  // Answers 429 itself when too many are waiting.
  void ask(Wish wish, http::Responder responder);
  void ask_reload();
  // There is something to look at.
  void wake() { worker_.wake(); }
  // `step` is called again and again: after so many milliseconds as it says, or when something is
  // asked.
  void start(std::function<int()> step);
  void stop();

  [[nodiscard]] std::vector<Request> take_requests();
  [[nodiscard]] bool take_reload();

 private:
  std::mutex mutex_;
  std::vector<Request> requests_;
  bool reload_ = false;
  bool stop_ = false;
  Worker worker_;
};

}  // namespace mx2::optimizer
