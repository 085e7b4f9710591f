// capacity_loop_ms: one round of the capacity function over 200 hosts × 50 apps, with the states of
// the rounds before it; against copying the same inputs. One JSON object a line.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>

#include "orchestrator/lifecycle/capacity.h"

namespace mx2::capacity {
namespace {

constexpr int kHosts = 200;
constexpr int kApps = 50;
constexpr int kRounds = 51;
constexpr std::int64_t kRoundMs = 10'000;

std::vector<Inputs> make_inputs(std::mt19937& random) {
  std::poisson_distribution<int> clients(40);
  std::poisson_distribution<int> in_flight(6);
  std::vector<Inputs> inputs;
  for (int host = 0; host < kHosts; ++host) {
    for (int app = 0; app < kApps; ++app) {
      auto& in = inputs.emplace_back();
      in.host_id = "mec-host-" + std::to_string(host);
      in.app_d_id = "application-descriptor-" + std::to_string(app);
      in.ready = 2;
      in.clients = clients(random);
      in.in_flight = in_flight(random);
      in.request_rate = 20;
      in.p50_ms = 10;
      in.p95_ms = 30;
      in.required_ms = 50;
    }
  }
  return inputs;
}

template <typename Work>
double median_ms(Work work) {
  std::vector<double> times;
  for (int i = 0; i < kRounds; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work(i);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    times.push_back(took.count());
  }
  std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
  return times[kRounds / 2];
}

int run() {
  std::mt19937 random(1);
  const auto inputs = make_inputs(random);
  Policy policy;
  for (int app = 0; app < kApps; app += 2) {
    policy.of_app["application-descriptor-" + std::to_string(app)].warm_spare = 1;
  }
  States states;
  std::size_t kept = 0;
  const double loop_ms = median_ms([&](int round) {
    auto plan = desired_instances(inputs, policy, states, round * kRoundMs);
    kept += plan.decisions.size();
    states = std::move(plan.states);
  });
  const double copy_ms = median_ms([&](int) {
    const auto copy = inputs;
    kept += copy.size();
  });
  std::printf(
      "{\"bench\":\"capacity_loop_ms\",\"value\":%.3f,\"unit\":\"ms\",\"ratio\":%.1f,"
      "\"against\":\"copying the inputs\",\"hosts\":%d,\"apps\":%d,\"copy_ms\":%.3f}\n",
      loop_ms, loop_ms / copy_ms, kHosts, kApps, copy_ms);
  return kept > 0 ? 0 : 1;
}

}  // namespace
}  // namespace mx2::capacity

int main() { return mx2::capacity::run(); }
