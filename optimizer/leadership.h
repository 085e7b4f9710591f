// Whether this optimizer is the one that sends plans. Of several, one holds a lease at the
// orchestrator and renews it every third of it; the others stand by and take over when it ends.
//
// With each lease comes whether operators want no plans: the orchestrator keeps that, so that it
// holds for whoever leads next.
//
// The lease is taken to begin before it was asked for, so nobody believes in its own longer than
// the orchestrator does. Between asking and the end of a renewal that fails, it stays what it was.
//
// Threads: step() and release() from one thread; the rest from any.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "api/base/clock.h"
#include "optimizer/orchestrator_client.h"

namespace mx2::optimizer {

class Leadership {
 public:
  struct State {
    bool leads = false;
    std::string holder;  // who leads, as far as known; empty: nobody known
    std::string url;     // its API
  };

  // `holder`: this optimizer, e.g. a random identifier. `client` is used by step() and release()
  // alone; `clock`, a steady one, must outlive this.
  Leadership(OrchestratorClient client, std::string holder, int lease_ms, const SteadyClock& clock);

  // Where our API is reached, to be told to others; not after the first step().
  void set_url(const std::string& url) { url_ = url; }

  // Asks for the lease, or renews it; the milliseconds until it should be called again.
  [[nodiscard]] std::int64_t step();
  // Lets the next one take over at once.
  void release();
  [[nodiscard]] State state() const;
  // To be called when the orchestrator has it: what a lease asked for before that says is old.
  void set_paused(bool paused);
  [[nodiscard]] bool paused() const;

 private:
  [[nodiscard]] std::uint64_t pauses() const;
  void learn_paused(const OrchestratorClient::Lease& lease, std::uint64_t asked_at);
  [[nodiscard]] std::int64_t refused(const Error& error);
  void granted(std::int64_t until_ms);
  [[nodiscard]] std::int64_t stands_by(const OrchestratorClient::Lease& lease);

  OrchestratorClient client_;
  const std::string holder_;
  std::string url_;
  const int lease_ms_;
  const SteadyClock& clock_;
  mutable std::mutex mutex_;
  State state_;
  std::int64_t until_ms_ = 0;
  bool paused_ = false;
  std::uint64_t pauses_ = 0;  // calls of set_paused()
};

}  // namespace mx2::optimizer
