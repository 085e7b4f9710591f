// End to end: our orchestrator, its notifier, the library, and λ that move once a second under
// calls every 10 ms.
#include <algorithm>
#include <atomic>
#include <iostream>
#include <vector>

#include "tests/catch.h"
#include "tests/mx2-client/support.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kCallEvery = milliseconds(10);
constexpr auto kMoveEvery = std::chrono::seconds(1);
constexpr int kMoves = 5;

// A λ that can be switched off, as an instance that is stopped after its users have moved.
class Instance {
 public:
  explicit Instance(const std::string& name)
      : server_([this, name](const http::Request&) {
          return on_ ? http::Reply{200, "text/plain", name, {}, false}
                     : http::Reply{503, "text/plain", "gone", {}, false};
        }) {}
  void turn(bool on) { on_ = on; }
  [[nodiscard]] std::string url() const { return server_.url() + "/"; }

 private:
  std::atomic<bool> on_{true};
  FunctionServer server_;
};

// Two hosts, and the row of dev:car-9 that leads to one of them.
class City {
 public:
  City() {
    for (const auto* host : {"alpha", "beta"}) {
      const auto& instance = host == std::string("alpha") ? alpha_ : beta_;
      auto ops = server_.ops();
      REQUIRE(
          ops.put(kOperator + "/hosts/" + host,
                  {{"id", host},
                   {"instances", {{{"appDId", "facedetect-1"}, {"referenceURI", instance.url()}}}}})
              .status == 201);
    }
    move_to("alpha");
  }

  // When the change was asked for.
  Clock::time_point move_to(const std::string& host) {
    const auto asked = Clock::now();
    auto ops = server_.ops();
    const auto row =
        json::dump({{"ue", "dev:car-9"}, {"app", "facedetect-1"}, {"targets", {"host:" + host}}});
    REQUIRE(ops.request("PATCH", kOperator + "/table", row + "\n").status == 200);
    return asked;
  }

  Instance& instance(const std::string& host) { return host == "alpha" ? alpha_ : beta_; }
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(server_.mx2_port());
  }

 private:
  Instance alpha_{"alpha"};
  Instance beta_{"beta"};
  TestServer server_{
      [](OrchestratorOptions& options) { options.notifier.allow = {"127.0.0.0/8"}; }};
};

struct Drive {
  std::size_t calls = 0;
  std::size_t failed = 0;
  std::vector<double> visible_ms;  // from asking for a move to the first answer from there
};

// Calls until it is answered from `host` and the time for the next move has come.
void drive(client::Context& context, const std::string& host, Clock::time_point asked, bool measure,
           Drive& drive) {
  bool seen = false;
  for (auto next = Clock::now(); next < asked + kMoveEvery || !seen; next += kCallEvery) {
    std::this_thread::sleep_until(next);
    const auto reply = context.invoke("x");
    ++drive.calls;
    if (!reply || reply->status != 200) {
      ++drive.failed;
      continue;
    }
    if (seen || reply->body != host) continue;
    seen = true;
    const std::chrono::duration<double, std::milli> took = Clock::now() - asked;
    if (measure) drive.visible_ms.push_back(took.count());
  }
}

TEST_CASE("a λ that moves every second under calls every 10 ms: none fails", "[client][follow]") {
  const auto channel = GENERATE(client::Channel::kEvents, client::Channel::kCallback);
  const bool old_one_dies = GENERATE(false, true);
  CAPTURE(static_cast<int>(channel), old_one_dies);
  City city;
  client::Client client(options_for(city.url()));
  auto request = facedetect(channel);
  request.device_app_id = "car-9";
  auto context = client.open(request);
  REQUIRE(context.ok());
  REQUIRE(eventually([&] { return context->statistics().connected; }));
  Drive result;
  drive(*context, "alpha", Clock::now(), false, result);
  for (int i = 0; i < kMoves; ++i) {
    const std::string to = i % 2 == 0 ? "beta" : "alpha";
    const std::string from = i % 2 == 0 ? "alpha" : "beta";
    city.instance(to).turn(true);
    const auto asked = city.move_to(to);
    if (old_one_dies) city.instance(from).turn(false);
    drive(*context, to, asked, true, result);
  }
  CHECK(result.failed == 0);
  CHECK(result.calls >= kMoves * 50);
  CHECK(context->statistics().moves == kMoves);
  std::sort(result.visible_ms.begin(), result.visible_ms.end());
  REQUIRE(result.visible_ms.size() == kMoves);
  std::cout << result.calls << " calls, " << result.failed << " failed; a move is visible after "
            << result.visible_ms[kMoves / 2] << " ms (median), " << result.visible_ms.back()
            << " ms (worst)\n";
  CHECK(result.visible_ms.back() < 5000);  // far from what is seen; a slow machine must not fail
}

}  // namespace
}  // namespace mx2::test
