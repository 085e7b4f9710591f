// Where contexts ask to be served: attachments nearby, and hosts that serve there.
#include "optimizer/feasibility.h"
#include "optimizer/places.h"
#include "optimizer/policy.h"
#include "optimizer/replica.h"
#include "tests/catch.h"
#include "tests/optimizer/fake_orchestrator.h"

namespace mx2::optimizer {
namespace {

LocationConstraints square(double longitude, double latitude, double side = 0.01) {
  const auto corner = [&](double x, double y) {
    return Position{longitude + x * side, latitude + y * side, {}};
  };
  LocationConstraints location;
  location.area = Polygon{{{corner(0, 0), corner(1, 0), corner(1, 1), corner(0, 1), corner(0, 0)}}};
  return location;
}

std::shared_ptr<const LocationConstraints> shared(const LocationConstraints& location) {
  return std::make_shared<const LocationConstraints>(location);
}

// Hosts far, near and nowhere (which says not where it serves); attachments some degrees apart.
struct Town {
  Topology topology = read_topology(
      config::parse_yaml("attachments:\n"
                         "- {name: blank}\n"
                         "- {name: east, position: [145, -37], prefixes: [10.2.0.0/16]}\n"
                         "- {name: named, position: [0, 0], devices: [pinned]}\n"
                         "- {name: west, position: [144, -37], prefixes: [10.1.0.0/16]}\n",
                         "t")
          .value());
  OptimizerOptions options;
  Replica replica;

  Town() {
    put_host("far", {square(10, 10)});
    put_host("near", {square(144, -37), square(145, -37)});
    put_host("nowhere", {});
    put_app({});
  }

  Replica::Effect put_host(const std::string& id, const std::vector<LocationConstraints>& area) {
    auto host = test::host(id);
    host.service_area = area;
    return replica.put_host(host, 0);
  }
  void put_app(const std::vector<LocationConstraints>& locations) {
    App app;
    app.info.app_d_id = "app";
    app.info.app_location = locations;
    replica.put_app(app);
  }
  Replica::Effect put_context(const std::string& device, const std::string& ip,
                              const std::shared_ptr<const LocationConstraints>& location) {
    return replica.put_context({"c-" + device, "app", device, ip, "far", location}, 0);
  }
  [[nodiscard]] Snapshot snapshot() const { return replica.snapshot(topology, options, 0); }
  // Of the only group, or the first.
  [[nodiscard]] std::string attachment() const {
    const auto model = snapshot();
    const auto index = model.groups.at(0).attachment;
    return index == kNone ? "" : model.attachments.at(index).name;
  }
};

TEST_CASE("attachment: the device's, else the address's, else the nearest to the location",
          "[location]") {
  Town town;
  const auto in_east = shared(square(145.01, -37));
  town.put_context("car", "10.1.0.1", in_east);
  CHECK(town.attachment() == "west");
  town.put_context("car", "192.0.2.1", in_east);
  CHECK(town.attachment() == "east");
  town.put_context("car", "192.0.2.1", nullptr);
  CHECK(town.attachment().empty());
  Town named;
  named.put_context("pinned", "10.1.0.1", in_east);
  CHECK(named.attachment() == "named");
}

TEST_CASE("attachment: none nearby is none; a country has no centre", "[location]") {
  Town town;
  town.put_context("car", "", shared(square(145.8, -37)));  // some 71 km
  CHECK(town.attachment().empty());
  town.options.location_km_max = 80;
  CHECK(town.attachment() == "east");
  town.options.location_km_max = 0;
  CHECK(town.attachment().empty());
  town.options.location_km_max = 50;
  LocationConstraints country;
  country.country_code = "AU";
  town.put_context("car", "", shared(country));
  CHECK(town.attachment().empty());
}

TEST_CASE("location: another one is an attachment that has changed", "[location]") {
  Town town;
  const auto first = shared(square(145, -37));
  CHECK(town.put_context("car", "", first) == Replica::Effect::kNothing);
  CHECK(town.put_context("car", "", shared(square(145, -37))) == Replica::Effect::kNothing);
  CHECK(town.put_context("car", "", shared(square(144, -37))) == Replica::Effect::kSmall);
  CHECK(town.put_context("car", "", nullptr) == Replica::Effect::kSmall);
}

TEST_CASE("location: only hosts whose service area has part of it may serve", "[location]") {
  Town town;
  town.put_context("a", "", shared(square(144.005, -37)));
  town.put_context("b", "", shared(square(145.005, -37)));
  town.put_context("c", "", nullptr);
  const auto snapshot = town.snapshot();
  REQUIRE(snapshot.hosts.at(0).id == "far");
  const Feasibility feasible(snapshot);
  const auto& a = snapshot.groups.at(0);
  const auto& c = snapshot.groups.at(2);
  CHECK(feasible.verdict(a, a.host, 0) == Verdict::kArea);
  CHECK_FALSE(feasible.may(a, a.host, 0));
  CHECK(feasible.may(a, a.host, 1));
  CHECK(feasible.verdict(a, a.host, 2) == Verdict::kArea);  // as the orchestrator decides
  CHECK(c.area == kNone);
  CHECK(feasible.may(c, c.host, 2));
  // Locations that the same hosts serve are one area, so that classes stay few.
  CHECK(snapshot.areas.size() == 1);
  CHECK(snapshot.groups.at(1).area == a.area);
}

TEST_CASE("location: every policy serves it where it can be served", "[location]") {
  Town town;
  town.put_context("a", "", shared(square(144.005, -37)));
  for (const auto& name : policy_names()) {
    const auto placement = find_policy(name)->place(town.snapshot());
    INFO(name);
    CHECK(placement.host_of_group.at(0) == 1);
  }
}

TEST_CASE("location: an area that is no polygon stays where it is", "[location][hostile]") {
  Town town;
  LocationConstraints bow_tie;
  bow_tie.area = Polygon{{{{0, 0, {}}, {1, 1, {}}, {1, 0, {}}, {0, 1, {}}, {0, 0, {}}}}};
  town.put_context("a", "", shared(bow_tie));
  const auto snapshot = town.snapshot();
  CHECK(snapshot.groups.at(0).fixed);
  CHECK(snapshot.groups.at(0).area == kNone);
}

TEST_CASE("location: an app's own locations keep it from hosts elsewhere", "[location]") {
  Town town;
  town.put_app({square(144, -37)});
  town.put_context("a", "", nullptr);
  const auto snapshot = town.snapshot();
  const auto& app = snapshot.apps.at(0);
  CHECK(host_suits_app(app, snapshot.hosts.at(0), 0) == Verdict::kAppArea);
  CHECK(host_suits_app(app, snapshot.hosts.at(1), 1) == Verdict::kFeasible);
  CHECK(host_suits_app(app, snapshot.hosts.at(2), 2) == Verdict::kFeasible);  // may be anywhere
}

TEST_CASE("location: another service area of a host is a reason to plan", "[location]") {
  Town town;
  town.put_context("a", "", shared(square(10, 10)));
  CHECK(town.put_host("near", {square(10, 10)}) == Replica::Effect::kLarge);
  CHECK(town.put_host("near", {square(10, 10)}) == Replica::Effect::kNothing);
  const auto snapshot = town.snapshot();
  CHECK(Feasibility(snapshot).may(snapshot.groups.at(0), kNone, 1));
}

TEST_CASE("places: equal ones are one, and are forgotten when nobody asks for them", "[location]") {
  Places places;
  const auto first = places.get(square(1, 1));
  CHECK(places.get(square(1, 1)) == first);
  CHECK(places.get(square(2, 1)) != first);
  for (int i = 0; i < 5000; ++i) (void)places.get(square(i * 0.001, 0));
  CHECK(places.get(square(1, 1)) == first);
}

}  // namespace
}  // namespace mx2::optimizer
