// Tiers, overflow, stand-by and weights of a λ.
#include "dispatcher/selector.h"

#include "tests/catch.h"

namespace mx2::dispatcher {
namespace {

Destination at(const std::string& name, Tier tier, Admin admin = Admin::kReady,
               int latency_ms = 0) {
  Destination out;
  out.name = out.address = name;
  out.tier = tier;
  out.admin = admin;
  out.latency_ms = latency_ms;
  return out;
}

class Scene {
 public:
  explicit Scene(std::vector<Destination> destinations,
                 const std::string& policy = "deficit-round-robin")
      : policy_(make_policy(policy, {0, 10'000})), selector_(*policy_, {}) {
    lambda_.destinations = std::move(destinations);
    selector_.update(lambda_);
  }
  void answers(const std::string& name, double seconds, bool queued = false) {
    selector_.observe(name, {seconds, 100, 1, false}, queued, now_ms_);
  }
  void fails(const std::string& name) {
    selector_.observe(name, {0, 100, 1, true}, false, now_ms_);
  }
  std::vector<int> weights() { return selector_.weights(now_ms_); }
  // A second of calls, a tenth of a second apart.
  void second(const std::vector<std::pair<std::string, double>>& answered, bool queued = false) {
    for (int i = 0; i < 10; ++i) {
      now_ms_ += 100;
      for (const auto& [name, seconds] : answered) answers(name, seconds, queued);
      weights();
    }
  }
  // Calls one after the other, by smooth weighted round robin; a response time below 0 is a
  // failure. Who got them.
  std::vector<int> calls(int n, std::int64_t each_ms, const std::vector<double>& seconds) {
    std::vector<int> got(seconds.size(), 0);
    std::vector<int> turns(seconds.size(), 0);
    for (int call = 0; call < n; ++call, now_ms_ += each_ms) {
      const auto now = weights();
      int total = 0;
      std::size_t chosen = 0;
      for (std::size_t i = 0; i < now.size(); ++i) {
        total += now[i];
        turns[i] += now[i];
        if (turns[i] > turns[chosen]) chosen = i;
      }
      turns[chosen] -= total;
      ++got[chosen];
      const auto& name = lambda_.destinations[chosen].name;
      seconds[chosen] < 0 ? fails(name) : answers(name, seconds[chosen]);
    }
    return got;
  }
  void change(std::vector<Destination> destinations) {
    lambda_.destinations = std::move(destinations);
    selector_.update(lambda_);
  }
  Selector& operator*() { return selector_; }
  std::int64_t now_ms_ = 1'000'000;

 private:
  std::unique_ptr<Policy> policy_;
  Lambda lambda_;
  Selector selector_;
};

const auto kLocal = Tier::kLocal;
const auto kNeighbour = Tier::kNeighbour;
const auto kCloud = Tier::kCloud;

TEST_CASE("The nearest tier gets all, one of the next stands by", "[selector]") {
  Scene scene({at("l1", kLocal), at("l2", kLocal), at("n", kNeighbour), at("c", kCloud)});
  CHECK(scene.weights() == std::vector<int>{256, 256, 1, 0});
  (*scene).set_up("l1", false);
  CHECK(scene.weights() == std::vector<int>{0, 256, 1, 0});
  (*scene).set_up("l2", false);
  CHECK(scene.weights() == std::vector<int>{0, 0, 256, 1});
  (*scene).set_up("n", false);
  CHECK(scene.weights() == std::vector<int>{0, 0, 0, 256});
}

TEST_CASE("When nobody answers, all are tried", "[selector]") {
  Scene scene({at("l", kLocal)});
  (*scene).set_up("l", false);
  CHECK(scene.weights() == std::vector<int>{256});
}

TEST_CASE("Who drains gets calls only when there is nobody else", "[selector]") {
  Scene scene({at("l", kLocal, Admin::kDraining), at("c", kCloud)});
  CHECK(scene.weights() == std::vector<int>{0, 256});
  scene.change({at("l", kLocal, Admin::kDraining), at("c", kCloud, Admin::kDown)});
  CHECK(scene.weights() == std::vector<int>{256, 0});
  scene.change({at("l", kLocal, Admin::kDown), at("c", kCloud, Admin::kDown)});
  CHECK(scene.weights() == std::vector<int>{0, 0});
}

TEST_CASE("Shares become weights", "[selector]") {
  Scene scene({at("a", kLocal), at("b", kLocal)});
  scene.answers("a", 0.010);
  scene.answers("b", 0.020);
  CHECK(scene.weights() == std::vector<int>{256, 128});
}

TEST_CASE("A tier that is slow overflows, and takes back what it can", "[selector]") {
  Scene scene({at("l", kLocal), at("n", kNeighbour)});
  scene.answers("n", 0.010);
  scene.second({{"l", 0.015}});
  CHECK((*scene).spill(kLocal) == 0);  // not twice as much
  scene.second({{"l", 0.050}, {"n", 0.010}});
  CHECK((*scene).spill(kLocal) > 0.9);
  CHECK(scene.weights()[1] == 256);
  CHECK(scene.weights()[0] < 32);
  for (int i = 0; i < 6; ++i) scene.second({{"l", 0.010}, {"n", 0.010}});
  CHECK((*scene).spill(kLocal) == 0);
  CHECK(scene.weights()[0] == 256);
}

TEST_CASE("Why calls go beyond a tier", "[selector]") {
  Scene slow({at("l", kLocal), at("n", kNeighbour)});
  slow.answers("n", 0.010);
  CHECK((*slow).why_beyond(kLocal) == Beyond::kTrial);
  slow.second({{"l", 0.050}, {"n", 0.010}});
  CHECK((*slow).why_beyond(kLocal) == Beyond::kLatency);
  for (int i = 0; i < 6; ++i) slow.second({{"l", 0.010}, {"n", 0.010}});
  CHECK((*slow).why_beyond(kLocal) == Beyond::kTrial);  // it has taken all back
  (*slow).set_up("l", false);
  CHECK((*slow).why_beyond(kLocal) == Beyond::kUnavailable);
  Scene busy({at("l", kLocal), at("n", kNeighbour)});
  busy.second({{"l", 0.010}, {"n", 0.050}}, true);
  CHECK((*busy).why_beyond(kLocal) == Beyond::kQueue);
  Scene failing({at("l", kLocal), at("n", kNeighbour)});
  for (int i = 0; i < 20; ++i) {
    failing.now_ms_ += 100;
    failing.fails("l");
    failing.answers("n", 0.010);
    failing.weights();
  }
  CHECK((*failing).why_beyond(kLocal) == Beyond::kFailures);
  Scene draining({at("l", kLocal, Admin::kDraining), at("c", kCloud)});
  CHECK((*draining).why_beyond(kLocal) == Beyond::kUnavailable);
}

TEST_CASE("Differences that nobody feels are no reason to leave a tier", "[selector]") {
  Scene scene({at("l", kLocal), at("n", kNeighbour)});
  scene.second({{"l", 0.004}, {"n", 0.001}});
  CHECK((*scene).spill(kLocal) == 0);
}

TEST_CASE("A tier whose calls queue overflows", "[selector]") {
  Scene scene({at("l", kLocal), at("n", kNeighbour)});
  scene.second({{"l", 0.010}, {"n", 0.050}}, true);
  CHECK((*scene).spill(kLocal) > 0.9);
}

TEST_CASE("A tier whose calls fail overflows; one failure does nothing", "[selector]") {
  Scene scene({at("l", kLocal), at("n", kNeighbour)});
  scene.second({{"l", 0.010}, {"n", 0.010}});
  const auto before = scene.weights();
  scene.fails("l");
  CHECK(scene.weights() == before);
  for (int i = 0; i < 20; ++i) {
    scene.now_ms_ += 100;
    scene.fails("l");
    scene.answers("n", 0.010);
    scene.weights();
  }
  CHECK((*scene).spill(kLocal) > 0.9);
}

constexpr double kFails = -1;

TEST_CASE("Few calls leave a tier that fails, though nobody knows the next one", "[selector]") {
  for (const std::int64_t each_ms : {20, 200, 1000, 15'000}) {
    CAPTURE(each_ms);
    Scene scene({at("l", kLocal), at("n", kNeighbour)});
    scene.calls(20, each_ms, {0.010, 0.010});
    CHECK(scene.calls(60, each_ms, {kFails, 0.010})[0] < 35);
    CHECK(scene.calls(200, each_ms, {kFails, 0.010})[0] <= 20);
    scene.calls(400, each_ms, {0.010, 0.010});  // it is well again
    CHECK(scene.calls(100, each_ms, {0.010, 0.010})[0] >= 99);
  }
}

TEST_CASE("Few calls leave a tier that is slow", "[selector]") {
  for (const std::int64_t each_ms : {20, 200, 1000}) {
    CAPTURE(each_ms);
    Scene scene({at("l", kLocal), at("n", kNeighbour)});
    scene.answers("n", 0.010);
    scene.calls(100, each_ms, {0.500, 0.010});
    scene.answers("n", 0.010);
    scene.calls(100, each_ms, {0.500, 0.010});
    CHECK(scene.calls(200, each_ms, {0.500, 0.010})[0] <= 20);
  }
}

TEST_CASE("Of a tier that takes long to tell how it is, few calls ask", "[selector]") {
  Scene scene({at("l", kLocal), at("n", kNeighbour)});
  scene.second({{"l", 0.500}, {"n", 0.010}});
  scene.second({{"l", 0.500}, {"n", 0.010}});
  CHECK((*scene).spill(kLocal) == 1);
  // The local ones are not answered: only those of the neighbour are heard of.
  double asked = 0;
  for (int call = 0; call < 4000; ++call, scene.now_ms_ += 5) {
    const auto weights = scene.weights();
    asked += weights[0] / double(weights[0] + weights[1]);
    scene.answers("n", 0.010);
  }
  CHECK(asked > 1);
  CHECK(asked < 20);
}

TEST_CASE("Failures are forgotten faster only by who is tried again", "[selector]") {
  Scene scene({at("l", kLocal)});
  for (int i = 0; i < 200; ++i) {
    scene.now_ms_ += 100;
    i % 2 == 0 ? scene.fails("l") : scene.answers("l", 0.010);
    scene.weights();
  }
  CHECK((*scene).state(0).measured.failures == Approx(0.5).margin(0.06));
}

TEST_CASE("Nobody calls: nothing is learnt, nothing changes", "[selector]") {
  Scene scene({at("l", kLocal), at("n", kNeighbour)});
  scene.second({{"l", 0.050}, {"n", 0.010}});
  const auto spill = (*scene).spill(kLocal);
  CHECK(spill > 0.9);
  scene.now_ms_ += 3'600'000;
  scene.weights();
  CHECK((*scene).spill(kLocal) == spill);
  CHECK_FALSE((*scene).is_restless());
}

TEST_CASE("Overflow is of its tier, whoever else is there", "[selector]") {
  Scene scene({at("l", kLocal), at("n", kNeighbour), at("c", kCloud)});
  scene.answers("c", 0.010);
  (*scene).set_up("l", false);
  scene.second({{"n", 0.050}, {"c", 0.010}});
  CHECK((*scene).spill(kLocal) == 0);
  CHECK((*scene).spill(kNeighbour) > 0.9);
  (*scene).set_up("l", true);
  CHECK(scene.weights()[0] == 256);  // it has none of the neighbour's overflow
  (*scene).set_up("n", false);
  scene.second({{"l", 0.010}, {"c", 0.010}});
  const auto spill = (*scene).spill(kNeighbour);
  CHECK(spill > 0.7);
  CHECK(spill < 0.85);  // of who is not there it goes back
}

TEST_CASE("Calls that queue are those of their tier", "[selector]") {
  Scene scene({at("l", kLocal), at("n", kNeighbour), at("c", kCloud)});
  for (int i = 0; i < 10; ++i) {
    scene.now_ms_ += 100;
    scene.answers("l", 0.010);
    scene.answers("n", 0.010, true);
    scene.weights();
  }
  CHECK((*scene).spill(kLocal) == 0);
  CHECK((*scene).spill(kNeighbour) > 0.9);
}

TEST_CASE("A call that was made again elsewhere is a failure of who had it first", "[selector]") {
  Scene scene({at("l", kLocal), at("n", kNeighbour)});
  scene.second({{"l", 0.010}});
  for (int i = 0; i < 20; ++i) {
    scene.now_ms_ += 100;
    (*scene).failed("l", scene.now_ms_);
    scene.answers("n", 0.010);
    scene.weights();
  }
  CHECK((*scene).state(0).errors == 20);
  CHECK((*scene).spill(kLocal) > 0.9);
  (*scene).failed("gone", scene.now_ms_);
}

TEST_CASE("A caller that has waited long and goes is a failure", "[selector]") {
  Scene scene({at("l", kLocal), at("slow", kLocal)});
  const auto gone = [&](const std::string& name, double seconds) {
    return (*scene).abandoned(name, {seconds, 100, 1, true}, false, scene.now_ms_);
  };
  CHECK_FALSE(gone("l", 0.9));
  CHECK(gone("l", 1));  // nobody knows how long it takes
  CHECK(gone("l", 1));
  scene.answers("slow", 0.5);
  CHECK_FALSE(gone("slow", 4.9));
  CHECK(gone("slow", 5.1));
  CHECK_FALSE(gone("nobody", 10));
  CHECK((*scene).state(0).errors == 2);
  CHECK((*scene).state(1).errors == 1);
  // What was assumed before any was answered is no measure.
  scene.answers("l", 0.010);
  CHECK((*scene).state(0).measured.seconds == Approx(0.010));
}

TEST_CASE("What was configured counts until it is measured", "[selector]") {
  Scene scene({at("a", kLocal, Admin::kReady, 10), at("b", kLocal, Admin::kReady, 20)},
              "random-proportional");
  CHECK(scene.weights() == std::vector<int>{256, 128});
  scene.answers("a", 0.040);
  CHECK(scene.weights() == std::vector<int>{128, 256});
}

TEST_CASE("Unknown ones have their turn to be tried, those that are bad have not", "[selector]") {
  Scene scene({at("l", kLocal), at("n1", kNeighbour), at("n2", kNeighbour)});
  scene.second({{"l", 0.010}});
  std::vector<int> tried(3, 0);
  for (int i = 0; i < 120; ++i) {
    scene.now_ms_ += 100;
    for (int call = 0; call < 20; ++call) scene.answers("l", 0.010);
    const auto weights = scene.weights();
    CHECK(weights[1] + weights[2] == 1);
    tried[1] += weights[1];
    tried[2] += weights[2];
  }
  CHECK(tried[1] >= 45);
  CHECK(tried[2] >= 45);
  scene.answers("n1", 0.020);
  scene.answers("n2", 0.015);
  CHECK(scene.weights() == std::vector<int>{256, 0, 1});
  scene.answers("n2", 0.200);
  CHECK(scene.weights() == std::vector<int>{256, 1, 0});
  scene.answers("n1", 0.200);
  CHECK(scene.weights() == std::vector<int>{256, 0, 0});
}

TEST_CASE("A turn lasts until HAProxy has given it a call, however few there are", "[selector]") {
  Scene scene({at("l", kLocal), at("n1", kNeighbour), at("n2", kNeighbour)});
  scene.second({{"l", 0.010}});
  const auto first = scene.weights();
  for (int call = 0; call < 250; ++call) {
    scene.now_ms_ += 200;
    scene.answers("l", 0.010);
    CHECK(scene.weights() == first);
  }
  for (int call = 0; call < 60; ++call) scene.answers("l", 0.010);
  CHECK(scene.weights() != first);
}

TEST_CASE("Destinations that stay keep what is known of them", "[selector]") {
  Scene scene({at("a", kLocal), at("b", kLocal)});
  scene.answers("a", 0.010);
  scene.answers("b", 0.020);
  scene.change({at("c", kLocal, Admin::kReady, 10), at("b", kLocal), at("a", kLocal)});
  CHECK((*scene).state(1).calls == 1);
  CHECK(scene.weights() == std::vector<int>{256, 128, 256});
  scene.answers("gone", 1);  // of another life
}

}  // namespace
}  // namespace mx2::dispatcher
