// What is asked of the planning thread from outside: by the API and by SIGHUP. Bounded.
//
// Threads: any. Whoever asks is answered from the planning thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
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

  // Answers 429 itself when too many are waiting.
  void ask(Wish wish, http::Responder responder);
  void ask_reload();
  // Ends wait(): there is something to look at.
  void wake();
  void stop();

  [[nodiscard]] std::vector<Request> take_requests();
  [[nodiscard]] bool take_reload();
  // Sleeps, at most so long: until something is asked. False: stop() was called.
  [[nodiscard]] bool wait(int ms);

 private:
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Request> requests_;
  bool reload_ = false;
  bool woken_ = false;
  bool stop_ = false;
};

}  // namespace mx2::optimizer
