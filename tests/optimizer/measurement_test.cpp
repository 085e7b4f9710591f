#include "optimizer/measurement.h"

#include "optimizer/congestion.h"
#include "tests/catch.h"
#include "tests/optimizer/instances.h"

namespace mx2::optimizer {
namespace {

AppLoad app_load(double rate, double p50_ms) {
  AppLoad app;
  app.request_rate = rate;
  app.p50_ms = p50_ms;
  return app;
}

TEST_CASE("measurement: an old report is unknown, not zero", "[measurement]") {
  const MeasurementOptions options;
  const std::optional<Measured> measured = Measured{{}, 1000};
  CHECK(recent(measured, options, 1000 + options.max_age_ms) != nullptr);
  CHECK(recent(measured, options, 1001 + options.max_age_ms) == nullptr);
  CHECK(recent({}, options, 0) == nullptr);
}

TEST_CASE("measurement: the service time is that of the idle host", "[measurement]") {
  auto host = test::host("h", 100);
  host.cores = 1;
  HostLoad load;
  load.apps = {app_load(30, 10), app_load(10, 2)};
  set_measured(host, load, {});
  CHECK(host.service_us == 8000);
  load.cpu = 0.5;  // processor sharing on one core: twice as long
  set_measured(host, load, {});
  CHECK(host.service_us == 4000);
  host.service_us = 7;
  set_measured(host, HostLoad{}, {});
  CHECK(host.service_us == 7);
}

TEST_CASE("measurement: load beyond ours is in the background", "[measurement]") {
  auto host = test::host("h", 100);
  HostLoad load;
  load.cpu = 0.5;
  set_background(host, load, 45, {});
  CHECK(host.background == 0);  // noise
  set_background(host, load, 20, {});
  CHECK(host.background == 30);
  CHECK(host.capacity == 70);
  std::int64_t units = 0;
  for (const auto& segment : congestion_segments(host)) units += segment.units;
  CHECK(units == 70);
  CHECK(congestion_segments(host).front().cost_us >=
        congestion_segments(test::host("h", 100)).front().cost_us);
}

TEST_CASE("measurement: on a machine that hosts share, as in the example city, no load takes room",
          "[measurement]") {
  auto host = test::host("h", 200);
  HostLoad load;
  load.cpu = 1.0;
  load.memory = 1.0;
  MeasurementOptions options;
  options.background_percent_min = options.memory_percent_max = 100;  // as deploy/run.sh writes
  set_measured(host, load, options);
  set_background(host, load, 0, options);
  CHECK(host.background == 0);
  CHECK(host.capacity == 200);
  CHECK_FALSE(host.memory_full);
}

TEST_CASE("measurement: what runs out of memory takes nobody new", "[measurement]") {
  auto host = test::host("h", 100);
  HostLoad load;
  load.memory = 0.96;
  set_measured(host, load, {});
  CHECK(host.memory_full);
}

TEST_CASE("measurement: the weight follows the request rate in coarse steps", "[measurement]") {
  CHECK(weight_by_request(3, {}) == 3);
  CHECK(weight_by_request(1, {100, 50}) == 2);
  CHECK(weight_by_request(1, {105, 50}) == 2);
  CHECK(weight_by_request(2, {100, 50}) == 4);
  CHECK(weight_by_request(1, {300, 50}) == 6);
  CHECK(weight_by_request(1, {0, 50}) == 1);
  CHECK(weight_by_request(1, {1e18, 1}) == 1'048'576);
}

}  // namespace
}  // namespace mx2::optimizer
