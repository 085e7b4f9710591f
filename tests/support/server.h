// An orchestrator inside the test process: both listeners on free ports of 127.0.0.1, a real SQLite
// store in a directory of its own, time that the test moves and identifiers in sequence.
#pragma once

#include <functional>
#include <memory>

#include "api/base/clock.h"
#include "api/base/ids.h"
#include "orchestrator/orchestrator.h"
#include "tests/support/manual_clock.h"
#include "tests/support/sequential_ids.h"
#include "tests/support/socket.h"
#include "tests/support/temp_dir.h"

namespace mx2::test {

// Apps facedetect-1 and objtrack-1, both by Example; hosts north, south and cloud, which all run
// facedetect-1 (south and cloud without objtrack-1's instance); rows: * -> cloud for facedetect-1,
// * -> north for objtrack-1, dev:car-1 -> north.
[[nodiscard]] std::string sample_content();

class TestServer {
 public:
  using Adjust = std::function<void(OrchestratorOptions&)>;

  explicit TestServer(const Adjust& adjust = {});
  ~TestServer() { stop(); }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  void stop();
  // Stops, and starts again on the same store.
  void restart();

  [[nodiscard]] Client mx2() const { return Client(mx2_port_); }
  [[nodiscard]] Client ops() const { return Client(operator_port_); }
  [[nodiscard]] std::uint16_t mx2_port() const { return mx2_port_; }
  [[nodiscard]] std::uint16_t operator_port() const { return operator_port_; }
  // A request on a new connection is answered: what a hostile client must not prevent.
  [[nodiscard]] bool still_serves() const;

  // Time goes on, for what people read and what is waited for.
  void advance(std::int64_t ms) {
    clock.advance(ms);
    steady.advance(ms);
  }

  TempDir directory;
  ManualClock clock{1'700'000'000'000};  // the date
  ManualClock steady{1'000'000};

 private:
  void start();

  SequentialIds ids_;
  OrchestratorOptions options_;
  std::unique_ptr<Orchestrator> orchestrator_;
  std::uint16_t mx2_port_ = 0;
  std::uint16_t operator_port_ = 0;
};

// The bytes of a POST of minimal_context(dev_app_id).
[[nodiscard]] std::string create_text(const std::string& dev_app_id = "ue-1");
// POSTs minimal_context(dev_app_id) and gives the contextId; throws when it is not created.
[[nodiscard]] std::string create_context(Client& client, const std::string& dev_app_id = "ue-1");

inline const std::string kAppList = "/dev_app/v1/app_list";
inline const std::string kContexts = "/dev_app/v1/app_contexts";
inline const std::string kAvailability = "/dev_app/v1/obtain_app_loc_availability";
inline const std::string kOperator = "/operator/v1";
inline const std::string kLegacy = "/mx2/v1";

}  // namespace mx2::test
