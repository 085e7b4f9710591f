// The optimizer against an orchestrator of a few lines: lists, feed, plans, loads, failures.
#include "optimizer/optimizer.h"

#include <set>

#include "api/operator/codec.h"
#include "optimizer/stability.h"
#include "tests/catch.h"
#include "tests/optimizer/instances.h"
#include "tests/optimizer/optimizer_bench.h"

namespace mx2::optimizer {
namespace {

using mx2::test::ContainsSubstring;
using test::context;
using test::host;
using test::pin;
using Bench = test::OptimizerBench;
using Urgency = Optimizer::Urgency;

TEST_CASE("optimizer: a plan has the changed rows, with reasons, once", "[optimizer]") {
  Bench bench;
  CHECK(bench.plan().changes.size() == 2);
  REQUIRE(bench.orchestrator.plans.size() == 1);
  const auto rows = codec::decode_table_patch(bench.orchestrator.plans[0], 10);
  REQUIRE(rows.ok());
  CHECK(rows->at(0).row.ue.text() == "dev:a");
  CHECK(rows->at(0).row.targets.at(0).text() == "host:near");
  CHECK(rows->at(0).row.targets.at(1).text() == "host:far");
  CHECK(rows->at(0).row.writer == Writer::kOptimizer);
  CHECK(rows->at(0).row.reason == "min-cost-flow: 2.0 ms instead of 30.0 ms");
  CHECK(bench.plan().changes.empty());  // on its way, even before the contexts follow
}

TEST_CASE("optimizer: a dry run sends nothing and says what it would do", "[optimizer]") {
  Bench bench;
  const auto outcome = bench.optimizer.plan(true);
  REQUIRE(outcome.ok());
  CHECK(bench.orchestrator.plans.empty());
  for (const char* part : {"+ dev:a app -> host:near", "2 rows change on table version 7",
                           "30.00 ->         2.00", "near                                0 ->"}) {
    CHECK_THAT(outcome->description, ContainsSubstring(part));
  }
}

TEST_CASE("optimizer: whose context has come to another host rests there", "[optimizer]") {
  Bench bench;
  bench.make_room();
  CHECK(bench.plan().changes.size() == 2);
  bench.orchestrator.change("context", context("a", "near", "10.0.0.1"));
  CHECK(bench.plan().changes.empty());
  for (auto& [host, us] : bench.topology.latency_us["x"]) us = host == "near" ? 60'000 : 2000;
  bench.make_room();
  const auto plan = bench.plan();
  REQUIRE(plan.changes.size() == 1);
  CHECK(plan.changes[0].row.ue.text() == "dev:b");  // has not moved yet
  bench.clock.advance(100'000);
  CHECK(bench.plan().changes.size() == 1);
}

TEST_CASE("optimizer: no plan is made on changes that are not known yet", "[optimizer]") {
  Bench bench;
  bench.orchestrator.lists["contexts"] = json::Value::array();
  CHECK(bench.plan().changes.empty());
  bench.orchestrator.page_items = 1;
  for (int i = 0; i < 30; ++i) {
    const auto device = "d" + std::to_string(i);
    bench.orchestrator.change("context", context(device, "far", "10.0.0.1"));
  }
  CHECK(bench.plan().after.contexts == 30);
  bench.orchestrator.position += 5;
  bench.orchestrator.stuck = true;
  const auto refused = bench.optimizer.plan(false);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kUnavailable);
  bench.orchestrator.stuck = false;
  CHECK(bench.plan().after.contexts == 30);
}

TEST_CASE("optimizer: a host that goes down is left at once", "[optimizer]") {
  Bench bench;
  bench.plan();
  for (const char* device : {"a", "b"}) {
    bench.orchestrator.change("context", context(device, "near", "10.0.0.1"));
  }
  CHECK(bench.optimizer.follow(0).value() == Urgency::kLater);
  bench.orchestrator.change("host", codec::to_json_with_status(host("near", HostState::kDown), 0));
  CHECK(bench.optimizer.follow(0).value() == Urgency::kNow);  // does not wait for its time
  const auto plan = bench.plan();
  CHECK(plan.changes.size() == 2);
  CHECK_THAT(plan.changes.at(0).row.reason, ContainsSubstring("near is down"));
}

TEST_CASE("optimizer: rows of UEs that have left are removed", "[optimizer]") {
  Bench bench;
  bench.plan();
  bench.orchestrator.change("contextEnded", {{"contextId", "c-a"}});
  const auto plan = bench.plan();
  REQUIRE(plan.changes.size() == 1);
  CHECK(plan.changes[0].remove);
  CHECK(plan.changes[0].row.ue.text() == "dev:a");
}

TEST_CASE("optimizer: a plan has no more bytes than may be sent", "[optimizer]") {
  Bench bench;
  auto plan = bench.plan();
  REQUIRE(plan.changes.size() == 2);
  const auto all = to_ndjson(plan, 1'000'000);
  const auto first = all.find('\n') + 1;
  CHECK(to_ndjson(plan, all.size()) == all);
  CHECK(plan.postponed == 0);
  CHECK(to_ndjson(plan, all.size() - 1) == all.substr(0, first));
  CHECK(plan.changes.size() == 1);
  CHECK(plan.postponed == 1);
}

TEST_CASE("optimizer: what prefixes ask for is not put off by moves, nor moves by it",
          "[optimizer]") {
  Bench bench;
  bench.options.orchestrator.plan_rows_max = 2;
  bench.make_room();
  CHECK(bench.plan().changes.size() == 2);
  bench.orchestrator.change("row", pin("ip:10.0.0.0/24", "near"));
  for (const char* device : {"c", "d", "e"}) {
    bench.orchestrator.change("context", context(device, "far", "10.1.0.1"));
  }
  const auto plan = bench.plan();
  REQUIRE(plan.changes.size() == 2);
  CHECK(plan.changes[0].remove);
  CHECK_FALSE(plan.changes[1].remove);
  CHECK(plan.postponed == 1);
}

// Where all lines do not fit, no chain of moves is cut: place() is asked again for fewer.
TEST_CASE("optimizer: a plan that is too long is made again for fewer moves", "[optimizer]") {
  Snapshot snapshot;
  snapshot.hosts = {test::host("a", 3), test::host("b", 3)};
  snapshot.apps = {test::app("app")};
  for (Index h = 0; h < 2; ++h) test::add_groups(snapshot, 3, 0, h, 1 - h);
  test::finish(snapshot, {{1000, 60'000}, {60'000, 1000}});
  StabilityOptions options;
  calm(snapshot, options, 1'000'000'000);
  const auto fit = [&](std::size_t bytes) {
    return fit_plan(Replica(), snapshot, {"min-cost-flow"}, {100, bytes}, [&](std::size_t most) {
      return place_calmly(snapshot, {"min-cost-flow"}, options, most);
    });
  };
  const auto whole = fit(1'000'000);
  REQUIRE(whole.plan.changes.size() == 6);
  for (std::size_t bytes = 0; bytes <= whole.body.size(); ++bytes) {
    const auto fitted = fit(bytes);
    CAPTURE(bytes);
    CHECK(fitted.body.size() <= bytes);
    CHECK(fitted.plan.changes.size() % 2 == 0);
    CHECK(fitted.plan.changes.size() + fitted.plan.postponed == 6);
    CHECK(evaluate(snapshot, fitted.placement).overloaded_hosts == 0);
    CHECK(rows_of(snapshot, fitted.placement, {"min-cost-flow"}).changes.size() ==
          fitted.plan.changes.size());
    if (bytes == whole.body.size() - 1) CHECK(fitted.plan.changes.size() == 4);
  }
}

TEST_CASE("optimizer: a stale table is planned on anew", "[optimizer]") {
  Bench bench;
  bench.orchestrator.stale_plans = 2;
  CHECK(bench.plan().changes.size() == 2);
  CHECK(bench.orchestrator.plans.size() == 1);
  Bench always;
  always.orchestrator.stale_plans = 1000;
  CHECK(always.optimizer.plan(false).error().code == ErrorCode::kPreconditionFailed);
}

TEST_CASE("optimizer: lists are read again when the feed is gone or was lost", "[optimizer]") {
  Bench bench;
  bench.plan();
  const auto read = bench.orchestrator.lists_read;
  bench.plan();
  CHECK(bench.orchestrator.lists_read == read);
  bench.orchestrator.gone = true;
  CHECK(bench.optimizer.follow(0).ok());
  CHECK(bench.orchestrator.lists_read == 2 * read);
  bench.orchestrator.down = true;
  CHECK_FALSE(bench.optimizer.follow(0).ok());
  CHECK_FALSE(bench.optimizer.plan(false).ok());
  bench.orchestrator.down = false;
  CHECK(bench.optimizer.follow(0).ok());
  CHECK(bench.orchestrator.lists_read == 3 * read);
}

TEST_CASE("optimizer: the longest prefix says where a UE is attached", "[optimizer]") {
  Bench bench;
  bench.topology = read_topology(
      config::parse_yaml("attachments: [{name: x, prefixes: [10.0.0.0/8]},"
                         " {name: y, prefixes: [10.0.0.0/24]}]\n"
                         "latency_ms: {x: {near: 2, far: 30}, y: {near: 30, far: 2}}\n",
                         "t")
          .value());
  Optimizer optimizer(bench.orchestrator, bench.orchestrator, bench.options, bench.topology,
                      bench.clock);
  CHECK(optimizer.plan(true)->plan.changes.empty());  // at y the far host is the near one
}

TEST_CASE("optimizer: UEs of unknown attachment, empty catalogue, no hosts", "[optimizer]") {
  Bench bench;
  bench.orchestrator.lists["contexts"].push_back(context("z", "far", "192.0.2.1"));
  CHECK(bench.plan().after.unknown_latency_contexts == 1);
  Bench nothing;
  nothing.orchestrator.lists["apps"].clear();
  nothing.orchestrator.lists["hosts"].clear();
  CHECK(nothing.plan().changes.empty());
  Bench no_hosts;
  no_hosts.orchestrator.lists["hosts"].clear();
  CHECK(no_hosts.plan().after.unserved_contexts == 2);
}

TEST_CASE("optimizer: what the orchestrator says is not trusted blindly", "[optimizer][hostile]") {
  Bench bench;
  bench.orchestrator.lists["hosts"] = {1, 2};
  CHECK_FALSE(bench.optimizer.plan(false).ok());
  Bench feed;
  feed.plan();
  feed.orchestrator.change("row", {{"ue", 7}});
  CHECK_FALSE(feed.optimizer.follow(0).ok());
  feed.orchestrator.change("news", {});  // not known: of no concern
  CHECK(feed.optimizer.follow(0).ok());
}

json::Value load_of(double cpu) { return {{"cpu", cpu}, {"ageMs", 0}}; }

TEST_CASE("optimizer: a host that cannot be reached is left at once", "[optimizer]") {
  Bench bench;
  bench.plan();
  for (const char* device : {"a", "b"}) {
    bench.orchestrator.change("context", context(device, "near", "10.0.0.1"));
  }
  auto silent = host("near");
  silent.reachable = false;  // its lease has ended
  bench.orchestrator.change("host", codec::to_json_with_status(silent, 0));
  CHECK(bench.optimizer.follow(0).value() == Urgency::kNow);
  CHECK(bench.plan().changes.size() == 2);
}

TEST_CASE("optimizer: a draining host is left", "[optimizer]") {
  Bench bench;
  bench.plan();
  bench.orchestrator.change("host",
                            codec::to_json_with_status(host("near", HostState::kDraining), 0));
  const auto plan = bench.plan();
  CHECK(plan.changes.size() == 2);
  CHECK_THAT(plan.changes.at(0).row.reason, ContainsSubstring("near is draining"));
}

TEST_CASE("optimizer: measured latencies come before the matrix, until they are old",
          "[optimizer]") {
  Bench bench;
  bench.orchestrator.change("hostLoad",
                            {{"id", "near"}, {"load", {{"latencyMs", {{"x", 80}}}, {"ageMs", 0}}}});
  CHECK(bench.plan().changes.size() == 2);  // before the feed: the lists have no load
  Bench fresh;
  auto slow = host("near");
  slow.load = HostLoad{};
  slow.load->latency_ms = {{"x", 80.0}, {"nowhere", 1.0}};
  fresh.orchestrator.lists["hosts"][1] = codec::to_json_with_status(slow, 0);
  CHECK(fresh.plan().changes.empty());
  fresh.clock.advance(fresh.options.measurement.max_age_ms + 1);
  CHECK(fresh.plan().changes.size() == 2);
}

TEST_CASE("optimizer: a large change of load is planned on soon, a small one is not",
          "[optimizer]") {
  Bench bench;
  bench.plan();
  bench.orchestrator.change("hostLoad", {{"id", "near"}, {"load", load_of(0.15)}});
  CHECK(bench.optimizer.follow(0).value() == Urgency::kLater);
  bench.orchestrator.change("hostLoad", {{"id", "near"}, {"load", load_of(0.25)}});
  CHECK(bench.optimizer.follow(0).value() == Urgency::kSoon);
  bench.plan();
  CHECK(bench.optimizer.follow(0).value() == Urgency::kLater);
  bench.orchestrator.change("hostLoad", {{"id", "near"}, {"load", load_of(0.4)}});
  CHECK(bench.optimizer.follow(0).value() == Urgency::kLater);
}

TEST_CASE("optimizer: load that is not ours takes room", "[optimizer]") {
  Bench bench;
  auto busy = host("near");
  busy.load = HostLoad{};
  busy.load->cpu = 1.0;
  bench.orchestrator.lists["hosts"][1] = codec::to_json_with_status(busy, 0);
  CHECK(bench.plan().changes.empty());
}

TEST_CASE("optimizer: UEs that come from elsewhere are planned soon", "[optimizer]") {
  Bench bench;
  bench.plan();
  bench.orchestrator.change("context", context("a", "far", "10.0.0.1"));
  CHECK(bench.optimizer.follow(0).value() == Urgency::kLater);
  bench.orchestrator.change("context", context("a", "far", "10.0.0.9"));
  CHECK(bench.optimizer.follow(0).value() == Urgency::kSoon);
}

TEST_CASE("optimizer: while another plan is being applied there is a conflict", "[optimizer]") {
  Bench bench;
  bench.orchestrator.plans_in_the_way = 1;
  CHECK(bench.optimizer.plan(false).error().code == ErrorCode::kConflict);
  CHECK(bench.plan().changes.size() == 2);
}

TEST_CASE("optimizer: overflow goes to the parent", "[optimizer]") {
  Bench bench;
  const auto topology = [](const char* parent) {
    return read_topology(
        config::parse_yaml(std::string("hosts: [{id: near, capacity: 1, service_us: 0, parent: ") +
                               parent +
                               "}, {id: up, tier: regional}, {id: beside, tier: regional},"
                               " {id: other, parent: beside, capacity: 0},"
                               " {id: another, parent: up, capacity: 0}]\n"
                               "attachments: [{name: x, prefixes: [10.0.0.0/8]}]\n"
                               "latency_ms: {x: {near: 2, up: 11, beside: 10, other: 20}}\n",
                           "t")
            .value());
  };
  bench.orchestrator.lists["hosts"] = json::Value::array();
  for (const auto* id : {"another", "beside", "near", "other", "up"}) {
    bench.orchestrator.lists["hosts"].push_back(codec::to_json_with_status(host(id), 0));
  }
  const auto chosen = [&](const char* parent) {
    Optimizer optimizer(bench.orchestrator, bench.orchestrator, bench.options, topology(parent),
                        bench.clock);
    const auto outcome = optimizer.plan(true);
    REQUIRE(outcome.ok());
    std::set<std::string> hosts;
    for (const auto& change : outcome->plan.changes) {
      hosts.insert(change.row.targets.front().value);
    }
    return hosts;
  };
  CHECK(chosen("up") == std::set<std::string>{"near", "up"});
  CHECK(chosen("beside") == std::set<std::string>{"beside", "near"});
}

}  // namespace
}  // namespace mx2::optimizer
