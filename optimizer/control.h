// What is asked of the planning thread from outside: by the API and by SIGHUP. Bounded.
//
// Threads: any. Whoever asks for a plan is answered from the planning thread.
#pragma once

#include <condition_variable>
#include <mutex>
#include <vector>

#include "api/http/http.h"

namespace mx2::optimizer {

class Control {
 public:
  static constexpr std::size_t kRequestsMax = 16;

  struct Request {
    bool dry_run = false;
    http::Responder responder;
  };

  // Answers 429 itself when too many are waiting.
  void ask_plan(bool dry_run, http::Responder responder);
  void ask_reload();
  void set_paused(bool paused);
  void stop();

  [[nodiscard]] std::vector<Request> take_requests();
  [[nodiscard]] bool take_reload();
  [[nodiscard]] bool paused() const;
  // Sleeps, at most so long: until something is asked. False: stop() was called.
  [[nodiscard]] bool wait(int ms);

 private:
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Request> requests_;
  bool reload_ = false;
  bool paused_ = false;
  bool stop_ = false;
};

}  // namespace mx2::optimizer
