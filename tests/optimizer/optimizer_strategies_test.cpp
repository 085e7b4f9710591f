// The optimizer, and what the strategies of apps make of contexts.
#include "tests/optimizer/optimizer_bench.h"

namespace mx2::optimizer {
namespace {

using test::context;
using test::pin;
using Bench = test::OptimizerBench;

TEST_CASE("optimizer: contexts of strategy baseline count where they are, their row is planned",
          "[optimizer]") {
  Bench bench;
  auto& app = bench.orchestrator.lists["apps"][0];
  app["strategy"] = "baseline";
  bench.make_room();
  auto second = context("a", "near", "10.0.0.1");
  second["contextId"] = "c-a2";
  bench.orchestrator.lists["contexts"].push_back(second);
  const auto plan = bench.plan();
  REQUIRE(plan.changes.size() == 1);  // a's leads to near already
  CHECK(plan.changes[0].row.ue.text() == "dev:b");
  CHECK(plan.changes[0].row.targets.at(0).text() == "host:near");
  CHECK(plan.after.load == std::vector<std::int64_t>{2, 1});
  CHECK(plan.after.contexts == 3);
  CHECK(plan.after.moves == 0);
  CHECK(bench.plan().changes.empty());
  // A context that comes is where the row leads, from then on.
  bench.orchestrator.change("contextEnded", {{"contextId", "c-b"}});
  bench.orchestrator.change("context", context("b", "near", "10.0.0.1"));
  CHECK(bench.plan().before.load == std::vector<std::int64_t>{1, 2});
  bench.orchestrator.change("row", pin("dev:b", "far"));  // an operator's: not planned
  CHECK(bench.plan().changes.empty());
  auto told = app;
  told["strategy"] = "notification";
  bench.orchestrator.change("app", told);
  CHECK(bench.plan().before.load == std::vector<std::int64_t>{1, 2});  // where the rows lead
}

TEST_CASE("optimizer: contexts of dispatched apps are placed by the dispatchers' rows",
          "[optimizer]") {
  Bench bench;
  bench.orchestrator.add_dispatchers();
  auto& apps = bench.orchestrator.lists["apps"];
  CHECK(bench.plan().changes.at(0).row.app_d_id == "app");
  auto dispatched = apps[0];
  dispatched["strategy"] = "dispatching";
  apps[0] = dispatched;
  bench.orchestrator.change("app", dispatched);
  const auto plan = bench.plan();
  REQUIRE(plan.changes.size() == 2);
  CHECK(plan.changes.at(0).row.app_d_id == "dispatcher-1");
  CHECK(plan.changes.at(0).row.targets.at(0).text() == "host:near");
}

TEST_CASE("optimizer: dispatched contexts move, though the standard strategy is baseline",
          "[optimizer]") {
  Bench bench;
  bench.orchestrator.standard = "baseline";
  bench.orchestrator.add_dispatchers();
  auto& apps = bench.orchestrator.lists["apps"];
  auto dispatched = apps[0];
  dispatched["appDId"] = dispatched["appName"] = "dispatched";
  dispatched["strategy"] = "dispatching";
  apps.push_back(dispatched);
  bench.orchestrator.lists["contexts"][1]["app"] = "dispatched";
  const auto plan = bench.plan();
  CHECK(plan.changes.size() == 2);
  CHECK(plan.after.moves == 1);
  CHECK(plan.after.load == std::vector<std::int64_t>{1, 1});
}

TEST_CASE("optimizer: a baseline UE without a row is planned from where the row for all leads",
          "[optimizer]") {
  const auto planned = [](const char* everybody) {
    Bench bench;
    bench.orchestrator.standard = "baseline";
    auto& contexts = bench.orchestrator.lists["contexts"];
    contexts = json::Value::array({context("a", "near", "10.0.0.1")});
    bench.orchestrator.lists["table"] = {pin("*", everybody)};
    return bench.plan().changes;
  };
  const auto changes = planned("far");
  REQUIRE(changes.size() == 1);  // the context is at near, but those to come would not be
  CHECK(changes[0].row.ue.text() == "dev:a");
  CHECK(changes[0].row.targets.at(0).text() == "host:near");
  CHECK(planned("near").empty());
}

}  // namespace
}  // namespace mx2::optimizer
