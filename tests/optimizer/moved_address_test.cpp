// Devices that the network does not name have moved when their address has.
#include "optimizer/optimizer.h"
#include "tests/catch.h"
#include "tests/optimizer/fake_orchestrator.h"
#include "tests/support/manual_clock.h"

namespace mx2::optimizer {
namespace {

// Hosts "here" and "there" are near the attachment of the same name; everybody begins here.
struct AddressBench {
  test::FakeOrchestrator orchestrator;
  ManualClock clock{1'000'000};
  Topology topology = read_topology(
      config::parse_yaml("hosts: [{id: here}, {id: there}]\n"
                         "attachments: [{name: there}, {name: here, prefixes: [10.0.0.0/8]}]\n"
                         "latency_ms: {here: {here: 2, there: 30}, there: {here: 30, there: 2}}\n",
                         "t")
          .value());
  Optimizer optimizer{orchestrator, orchestrator, options(), topology, clock};

  AddressBench() {
    for (const auto* id : {"here", "there"}) {
      orchestrator.lists["hosts"].push_back(codec::to_json_with_status(test::host(id), 0));
    }
    for (const auto* phone : {"1", "2", "3"}) {
      orchestrator.lists["contexts"].push_back(
          test::context(std::string("phone-") + phone, "here", std::string("10.0.0.") + phone));
    }
    REQUIRE(optimizer.plan(false).ok());
  }
  static OptimizerOptions options() {
    OptimizerOptions options;
    options.policy = "nearest";
    options.cost.migration_us = 0;
    options.stability = {0, 0, 0, 0, 100, 100, 1'000'000, 0, 0};
    return options;
  }
  // The rows that are sent for it, as text.
  std::vector<std::string> move(const std::string& device, const std::string& address) {
    optimizer.use({nullptr, {{device, "there", IpAddress::parse(address)}}});
    const auto outcome = optimizer.place_moved();
    REQUIRE(outcome.ok());
    REQUIRE(outcome->has_value());
    std::vector<std::string> rows;
    for (const auto& change : (*outcome)->plan.changes) {
      rows.push_back(change.row.ue.text() + " " + change.row.targets.front().text());
    }
    return rows;
  }
};

using Rows = std::vector<std::string>;

TEST_CASE("a device is known by the address that has moved", "[moving]") {
  AddressBench bench;
  CHECK(bench.move("car-7", "10.0.0.1") == Rows{"dev:phone-1 host:there"});
  CHECK(bench.move("car-8", "10.0.0.99").empty());
}

TEST_CASE("everybody behind an address has moved, in order", "[moving]") {
  AddressBench bench;
  for (const auto* phone : {"phone-3", "phone-2"}) {
    bench.orchestrator.change("context", test::context(phone, "here", "10.0.0.1"));
  }
  CHECK(bench.move("car-7", "10.0.0.1") ==
        Rows{"dev:phone-1 host:there", "dev:phone-2 host:there", "dev:phone-3 host:there"});
}

TEST_CASE("a device that has another address now, or none, has not moved with the old one",
          "[moving]") {
  AddressBench bench;
  bench.orchestrator.change("context", test::context("phone-1", "here", "10.0.0.9"));
  bench.orchestrator.change("contextEnded", {{"contextId", "c-phone-2"}});
  bench.orchestrator.change("context", test::context("phone-3", "here", ""));
  CHECK(bench.move("car-7", "10.0.0.1").empty());
  CHECK(bench.move("car-7", "10.0.0.2").empty());
  CHECK(bench.move("car-7", "10.0.0.3").empty());
  CHECK(bench.move("car-7", "10.0.0.9") == Rows{"dev:phone-1 host:there"});
}

TEST_CASE("addresses are known after the lists have been read again", "[moving]") {
  AddressBench bench;
  bench.orchestrator.lists["contexts"].erase(0);
  bench.orchestrator.gone = true;
  REQUIRE(bench.optimizer.follow(0).ok());
  REQUIRE(bench.optimizer.plan(false).ok());
  CHECK(bench.move("car-7", "10.0.0.1").empty());
  CHECK(bench.move("car-7", "10.0.0.2") == Rows{"dev:phone-2 host:there"});
}

TEST_CASE("a host that goes while somebody moves is answered by a plan of everybody", "[moving]") {
  AddressBench bench;
  CHECK(bench.optimizer.take_urgency() == Optimizer::Urgency::kLater);
  bench.orchestrator.change("hostRemoved", {{"id", "there"}});
  bench.optimizer.use({nullptr, {{"car-7", "there", IpAddress::parse("10.0.0.1")}}});
  const auto outcome = bench.optimizer.place_moved();
  REQUIRE(outcome.ok());
  CHECK_FALSE(outcome->has_value());
  CHECK(bench.optimizer.take_urgency() == Optimizer::Urgency::kNow);
}

}  // namespace
}  // namespace mx2::optimizer
