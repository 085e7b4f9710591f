// The orchestrator as one object: store, model, procedures and the two listeners, put together.
// main() gives it options; tests start it on port 0 with a store of their own.
#pragma once

#include <memory>
#include <string_view>

#include "api/base/clock.h"
#include "api/base/ids.h"
#include "api/base/result.h"
#include "orchestrator/options.h"
#include "orchestrator/store/store.h"

namespace mx2 {

// Whether a key of the configuration (its dotted name) can be changed while the program runs.
[[nodiscard]] bool is_live(std::string_view key);

class Orchestrator {
 public:
  // Opens the store, loads everything, listens. The error says what to mend.
  [[nodiscard]] static Result<std::unique_ptr<Orchestrator>> start(
      const OrchestratorOptions& options, const SystemClock& clock, const SteadyClock& steady,
      IdGenerator& ids);
  // The same on a store made by the caller (benchmarks, fault injection).
  [[nodiscard]] static Result<std::unique_ptr<Orchestrator>> start_on(
      std::unique_ptr<Store> store, std::unique_ptr<metrics::Registry> registry,
      const OrchestratorOptions& options, const SystemClock& clock, const SteadyClock& steady,
      IdGenerator& ids);
  ~Orchestrator();

  // Takes over what is_live() of another configuration that was read and found good, and nothing
  // else of it. Any thread, until stop().
  void use(const OrchestratorOptions& read);

  // Answers what was accepted, makes it durable, and closes. Idempotent.
  void stop();

  [[nodiscard]] std::uint16_t mx2_port() const;
  [[nodiscard]] std::uint16_t operator_port() const;

 private:
  struct Impl;
  explicit Orchestrator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mx2
