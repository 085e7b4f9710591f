// The optimizer, and what an operator has decided.
#include "tests/optimizer/optimizer_bench.h"

namespace mx2::optimizer {
namespace {

using test::context;
using test::host;
using test::pin;
using Bench = test::OptimizerBench;
using Urgency = Optimizer::Urgency;

TEST_CASE("optimizer: an operator's pin is never touched", "[optimizer]") {
  Bench bench;
  const auto pin = [](const char* ue) {
    return json::Value{{"ue", ue}, {"app", "app"}, {"targets", {"host:far"}}};
  };
  bench.orchestrator.lists["table"] = {pin("dev:a"), pin("*")};
  CHECK(bench.plan().changes.size() == 1);
  bench.orchestrator.change("row", pin("ip:10.0.0.0/24"));
  bench.orchestrator.change("rowRemoved", {{"ue", "dev:b"}, {"app", "app"}});
  CHECK(bench.plan().changes.empty());
}

TEST_CASE("optimizer: an operator's prefix binds whom we have placed already, at once",
          "[optimizer]") {
  Bench bench;
  CHECK(bench.plan().changes.size() == 2);
  CHECK(bench.optimizer.follow(0).value() == Urgency::kLater);
  bench.orchestrator.change("row", pin("ip:10.0.0.0/24", "far"));
  CHECK(bench.optimizer.follow(0).value() == Urgency::kNow);
  const auto plan = bench.plan();
  REQUIRE(plan.changes.size() == 2);
  for (const auto& change : plan.changes) {
    CHECK(change.remove);
    CHECK(change.row.ue.kind == UeSelector::Kind::kDevApp);
  }
  CHECK(plan.after.load == std::vector<std::int64_t>{2, 0});  // it counts where the pin leads
  CHECK(bench.plan().changes.empty());
  // Who comes into the prefix later is bound as well, and who leaves it is not any more.
  bench.orchestrator.change("context", context("a", "far", "10.9.0.1"));
  CHECK(bench.plan().changes.at(0).row.ue.text() == "dev:a");
  bench.orchestrator.change("context", context("a", "near", "10.0.0.1"));
  CHECK(bench.plan().changes.at(0).remove);
  bench.orchestrator.change("rowRemoved", {{"ue", "ip:10.0.0.0/24"}, {"app", "app"}});
  CHECK(bench.optimizer.follow(0).value() == Urgency::kNow);
  bench.orchestrator.change("context", context("a", "far", "10.0.0.1"));
  CHECK(bench.optimizer.follow(0).ok());
  bench.clock.advance(100'000);  // it has rested
  CHECK(bench.plan().changes.size() == 2);
}

TEST_CASE("optimizer: who is pinned to several hosts counts at the first that is up",
          "[optimizer]") {
  Bench bench;
  auto both = pin("ip:10.0.0.0/24", "near");
  both["targets"].push_back("host:far");
  bench.orchestrator.lists["table"] = {both};
  CHECK(bench.plan().after.load == std::vector<std::int64_t>{0, 2});
  bench.orchestrator.change("host", codec::to_json_with_status(host("near", HostState::kDown), 0));
  CHECK(bench.plan().after.load == std::vector<std::int64_t>{2, 0});
}

TEST_CASE("optimizer: of two prefixes of operators the longer binds, of another app none",
          "[optimizer]") {
  Bench bench;
  auto other = pin("ip:10.0.0.1", "far");
  other["app"] = "another";
  bench.orchestrator.lists["table"] = {pin("ip:10.0.0.0/8", "far"), pin("ip:10.0.0.0/24", "near"),
                                       other};
  CHECK(bench.plan().after.load == std::vector<std::int64_t>{0, 2});
  Bench alone;
  alone.orchestrator.lists["table"] = {other};
  CHECK(alone.plan().changes.size() == 2);
}

}  // namespace
}  // namespace mx2::optimizer
