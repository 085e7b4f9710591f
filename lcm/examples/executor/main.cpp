// mx2-executor: a λ with a configurable amount of work, by the processor model of the paper's
// experiments: op-offset + op-coeff · input bytes operations for each request.
//
// One operation is one round of a chain of 64-bit integer arithmetic in which each needs the result
// of the one before, so that neither the compiler nor the processor can shorten it: a few
// nanoseconds.
// `--calibrate` prints how many this machine does in a second.
#include <atomic>
#include <chrono>
#include <cmath>
#include <iostream>

#include "lcm/examples/common/lambda.h"

namespace mx2::lambda {
namespace {

constexpr double kOperationsMax = 1e11;  // minutes: more is a slip of the pen
constexpr std::uint64_t kCalibration = 100'000'000;

// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
std::uint64_t operate(std::uint64_t operations, std::uint64_t state) {
  for (std::uint64_t i = 0; i < operations; ++i) {
    state += 0x9E3779B97F4A7C15U;
    state = (state ^ (state >> 30U)) * 0xBF58476D1CE4E5B9U;
    state = (state ^ (state >> 27U)) * 0x94D049BB133111EBU;
    state ^= state >> 31U;
  }
  return state;
}

// Its result must be used, or there would be no need to compute it.
void keep(std::uint64_t value) {
  static std::atomic<std::uint64_t> kept{0};
  kept.store(value, std::memory_order_relaxed);
}

struct Model {
  double op_offset = 1e6;
  double op_coeff = 100;

  [[nodiscard]] double operations(std::size_t input_bytes) const {
    return op_offset + op_coeff * static_cast<double>(input_bytes);
  }
};

Work make_work(const Model& model) {
  return [model](const http::Request& request) -> Result<json::Value> {
    const auto operations = static_cast<std::uint64_t>(model.operations(request.body.size()));
    keep(operate(operations, request.body.size()));
    return json::Value{{"input_bytes", request.body.size()}, {"operations", operations}};
  };
}

int calibrate() {
  const auto start = std::chrono::steady_clock::now();
  keep(operate(kCalibration, 1));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::cout << std::llround(kCalibration / took.count()) << " operations/s\n";
  return 0;
}

}  // namespace
}  // namespace mx2::lambda

int main(int argc, char** argv) {
  using namespace mx2::lambda;  // NOLINT(google-build-using-namespace): main() alone
  Options options;
  options.name = "executor";
  Model model;
  bool calibration = false;
  CLI::App app{"A λ with a configurable amount of work", "mx2-executor"};
  add_options(app, options);
  app.add_option("--op-offset", model.op_offset, "Operations of each request")
      ->check(CLI::Range(0.0, kOperationsMax))
      ->capture_default_str();
  app.add_option("--op-coeff", model.op_coeff, "Operations more for each byte of its body")
      ->check(CLI::Range(0.0, kOperationsMax))
      ->capture_default_str();
  app.add_flag("--calibrate", calibration, "Print the operations a second of this machine");
  CLI11_PARSE(app, argc, argv);
  if (calibration) return calibrate();
  if (model.operations(options.body_bytes_max) > kOperationsMax) {
    std::cerr << "mx2-executor: --op-coeff makes the largest input a work of minutes\n";
    return 2;
  }
  return run(options,
             std::vector<Work>(static_cast<std::size_t>(options.threads), make_work(model)));
}
