// A rewrite that is stopped in the middle, and a pin that it had left alone until then.
#include "tests/support/program.h"

namespace mx2 {
namespace {

using test::Program;
using test::sample_row;

std::string host_in_row(Program& program, const std::string& ue) {
  const auto rows = program.running->store.rows("a", ue, "", 1).value().items;
  return rows.empty() ? "" : rows.front().targets.front().value;
}

constexpr int kLooks = 3000;

void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(2)); }

bool has_finished(Program& program) {
  for (int i = 0; i < kLooks; ++i) {
    if (program.running->store.table_versions("", 10)->items.at(1).finished) return true;
    pause();
  }
  return false;
}

// Its rows are durable a moment before the rewriter is ready for another one.
Result<Rewritten> roll_back(Program& program, std::uint64_t version) {
  for (int i = 0;; ++i) {
    auto back = program.wait<Rewritten>(
        [&](auto answer) { program.running->rewriter.roll_back(version, std::move(answer)); });
    if (back || back.error().code != ErrorCode::kConflict || i == kLooks) return back;
    pause();
  }
}

TEST_CASE("rewriter: a pin that is taken away while a plan is carried out does not become its row",
          "[store][plans]") {
  Program program;
  REQUIRE(program.rewrite({sample_row("dev:ue-0", "a", {"host:north"})}).ok());
  std::vector<TableChange> plan;
  for (int i = 0; i < 100; ++i) {
    plan.push_back(sample_row("dev:ue-" + std::to_string(i), "a", {"host:south"}));
    plan.back().row.writer = Writer::kOptimizer;
  }
  auto& rewriter = program.running->rewriter;
  program.running->store.hurry();
  program.running->store.call_at(60, [&] { rewriter.stop(); });  // the pin has had its turn
  const auto planned = program.wait<Rewritten>([&](auto answer) {
    rewriter.submit({TableVersion::Kind::kPlan, plan, 2, "test", false}, std::move(answer));
  });
  REQUIRE_FALSE(planned.ok());
  auto removal = sample_row("dev:ue-0", "a", {"host:north"});
  removal.remove = true;
  REQUIRE(program.rewrite({removal})->table_version == 4);
  program.stop();
  program.start();
  REQUIRE(has_finished(program));
  CHECK(host_in_row(program, "dev:ue-0").empty());
  CHECK(host_in_row(program, "dev:ue-1") == "south");
  CHECK(host_in_row(program, "dev:ue-99") == "south");
  REQUIRE(roll_back(program, 3).ok());
  CHECK(host_in_row(program, "dev:ue-0") == "north");
}

}  // namespace
}  // namespace mx2
