#include "orchestrator/domain/placement.h"

#include "tests/catch.h"
#include "tests/support/samples.h"

namespace mx2 {
namespace {

using test::sample_app;
using test::sample_host;
using test::sample_row;

class City {
 public:
  City() {
    REQUIRE(model.put_app(sample_app("a", "alpha")).ok());
    put("north", test::in_area(test::square(0, 0, 1), "AU"));
    put("south", test::in_area(test::square(5, 5, 1), "AU"));
    put("cloud", std::nullopt);
  }
  void put(const std::string& id, const std::optional<LocationConstraints>& area,
           HostState state = HostState::kUp) {
    auto host = sample_host(id, {"a"});
    host.state = state;
    if (area) host.service_area = {*area};
    REQUIRE(model.put_host(host).ok());
  }
  void row(const std::string& ue, const std::vector<std::string>& targets) {
    model.apply(sample_row(ue, "a", targets));
  }
  [[nodiscard]] std::string host_for(const std::string& dev, const char* ip = nullptr) const {
    const auto placement = place(model, query(dev, ip));
    return placement ? placement->host_id : "nowhere";
  }
  [[nodiscard]] std::string host_within(const LocationConstraints& location) const {
    const auto prepared = PreparedLocation::make(location).value();
    auto asked = query("ue", nullptr);
    asked.location = &prepared;
    const auto placement = place(model, asked);
    return placement ? placement->host_id + "/" + placement->ue : "nowhere";
  }
  static PlacementQuery query(const std::string& dev, const char* ip) {
    return {"a", dev, ip == nullptr ? std::nullopt : IpAddress::parse(ip), nullptr};
  }
  Model model;
};

TEST_CASE("placement: no row, no place, unless a location is asked for", "[placement]") {
  const City city;
  CHECK(city.host_for("ue") == "nowhere");
  CHECK(city.host_within(test::in_area(test::square(5.5, 5.5, 0.1))) == "south/location");
  CHECK(city.host_within(test::in_country("NZ")) == "nowhere");
}

// Of tiers, in the order of kHostTiers.
class TieredCity : public City {
 public:
  TieredCity() {
    for (const auto& [id, tier] :
         {std::pair{"north", "edge"}, {"south", "regional"}, {"cloud", "cloud"}}) {
      set(id, [&tier = tier](Host& host) { host.labels["tier"] = tier; });
    }
    row("*", {"host:north", "host:south", "host:cloud"});
  }
  template <typename Change>
  void set(const std::string& id, Change change) {
    auto host = model.host(id)->host;
    change(host);
    REQUIRE(model.put_host(host).ok());
  }
  [[nodiscard]] std::string cause() const {
    return text(place(model, query("ue", nullptr))->escalated);
  }
  [[nodiscard]] std::string cause(const std::string& before, const std::string& now) const {
    return text(escalation(model, "a", "ue", before, now, std::nullopt));
  }
  static std::string text(std::optional<EscalationCause> cause) {
    return cause ? std::string(enum_text(*cause, kEscalationCauses)) : "none";
  }
};

TEST_CASE("placement: why a nearer tier was passed over", "[placement]") {
  TieredCity city;
  CHECK(city.cause() == "none");
  city.set("north", [](Host& host) { host.state = HostState::kCordoned; });
  CHECK(city.host_for("ue") == "south");
  CHECK(city.cause() == "cordoned");
  city.set("south", [](Host& host) { host.state = HostState::kDown; });
  CHECK(city.host_for("ue") == "cloud");
  CHECK(city.cause() == "cordoned");  // the nearest counts
  city.row("*", {"host:south", "host:north", "host:cloud"});
  CHECK(city.cause() == "cordoned");
  city.row("*", {"host:south", "host:cloud"});
  CHECK(city.cause() == "down");
  city.set("south", [](Host& host) { host.state = HostState::kDraining; });
  CHECK(city.cause() == "draining");
  city.set("south", [](Host& host) { host.instances.clear(); });
  CHECK(city.cause() == "no_instance");
  city.model.set_reachable("south", false);
  CHECK(city.cause() == "unreachable");
  city.row("*", {"host:nowhere", "host:cloud"});  // of what tier, nobody knows
  CHECK(city.cause() == "none");
  city.row("*", {"host:cloud"});
  CHECK(city.cause() == "none");
  city.set("south", [](Host& host) { host.labels["tier"] = "cloud"; });
  city.row("*", {"host:south", "host:cloud"});
  CHECK(city.cause() == "none");
}

TEST_CASE("escalation: a context that comes to a higher tier has a cause", "[placement]") {
  TieredCity city;
  CHECK(city.cause("north", "cloud") == "table");
  CHECK(city.cause("cloud", "north") == "none");
  CHECK(city.cause("north", "north") == "none");
  CHECK(city.cause("north", "") == "none");  // a literal endpoint
  CHECK(city.cause("", "cloud") == "none");  // its first
  city.model.set_reachable("north", false);
  CHECK(city.cause("north", "south") == "unreachable");
  city.set("north", [](Host& host) {
    host.reachable = true;
    host.state = HostState::kDraining;
  });
  CHECK(city.cause("north", "south") == "draining");
  const auto down = EscalationCause::kDown;
  CHECK(escalation(city.model, "a", "ue", "north", "south", down) == down);
  CHECK(escalation(city.model, "a", "ue", "", "south", down) == down);
  CHECK(escalation(city.model, "a", "ue", "south", "north", down) == std::nullopt);
}

TEST_CASE("placement: a dispatched app is served by the dispatchers' rows and instances",
          "[placement]") {
  Model model;
  model.use({"d", false});
  REQUIRE(model.put_app(sample_app("d", "dispatcher")).ok());
  auto app = sample_app("a", "alpha");
  app.strategy = Strategy::kDispatching;
  REQUIRE(model.put_app(app).ok());
  REQUIRE(model.put_host(sample_host("north", {"a", "d"})).ok());
  REQUIRE(model.put_host(sample_host("south", {"a"})).ok());
  model.apply(sample_row("*", "a", {"host:south"}));
  CHECK_FALSE(place(model, City::query("ue", nullptr)));
  model.apply(sample_row("*", "d", {"host:south", "host:north"}));
  const auto placement = place(model, City::query("ue", nullptr));
  REQUIRE(placement);
  CHECK(placement->host_id == "north");
  CHECK(placement->reference_uri.ends_with("/a"));
  const auto told = explain(model, City::query("ue", nullptr));
  CHECK(told.steps.at(0).verdict == "host has no dispatcher");
  model.apply(sample_row("dev:ue", "d", {"endpoint:http://elsewhere:8070/"}));
  CHECK(place(model, City::query("ue", nullptr))->reference_uri == "http://elsewhere:8070/a");
  CHECK(model.serves("d") == std::vector<std::string>{"a", "d"});
  CHECK(model.serves("a") == std::vector<std::string>{"a"});
}

TEST_CASE("placement: the most specific row decides, and is named", "[placement]") {
  City city;
  city.row("*", {"host:cloud"});
  city.row("ip:10.0.0.0/8", {"host:south"});
  city.row("dev:car", {"host:north"});
  CHECK(city.host_for("ue") == "cloud");
  CHECK(city.host_for("ue", "10.9.9.9") == "south");
  CHECK(city.host_for("car", "10.9.9.9") == "north");
  const auto placement = place(city.model, City::query("ue", "10.9.9.9"));
  CHECK(placement->ue == "ip:10.0.0.0/8");
  CHECK(placement->app_instance_id == "south.a");
  CHECK(placement->reference_uri == "http://south.example/a");
}

TEST_CASE("placement: targets in order of preference, then the next row", "[placement]") {
  City city;
  city.row("dev:car", {"host:north", "host:south"});
  city.row("*", {"host:cloud"});
  CHECK(city.host_for("car") == "north");
  city.put("north", std::nullopt, HostState::kCordoned);
  CHECK(city.host_for("car") == "south");
  city.put("south", std::nullopt, HostState::kDown);
  CHECK(city.host_for("car") == "cloud");
  city.put("cloud", std::nullopt, HostState::kDown);
  CHECK(city.host_for("car") == "nowhere");
}

TEST_CASE("placement: a host without an instance is passed over", "[placement]") {
  City city;
  city.row("*", {"host:north", "host:cloud"});
  REQUIRE(city.model.put_host(sample_host("north", {})).ok());
  CHECK(city.host_for("ue") == "cloud");
}

TEST_CASE("placement: a literal endpoint always has the same instance", "[placement]") {
  City city;
  city.row("*", {"endpoint:10.0.0.1:6473"});
  const auto first = place(city.model, City::query("a", nullptr));
  const auto second = place(city.model, City::query("b", nullptr));
  REQUIRE(first);
  CHECK(first->host_id.empty());
  CHECK(first->reference_uri == "10.0.0.1:6473");
  CHECK(first->app_instance_id == second->app_instance_id);
  CHECK_FALSE(first->app_instance_id.empty());
}

TEST_CASE("placement: a location restricts rows, then searches all hosts", "[placement]") {
  City city;
  city.row("*", {"host:cloud", "host:south", "endpoint:x:1"});
  CHECK(city.host_within(test::in_area(test::square(5, 5, 1))) == "south/*");
  CHECK(city.host_within(test::in_area(test::square(0, 0, 1))) == "north/location");
  CHECK(city.host_within(test::in_area(test::square(50, 50, 1))) == "nowhere");
  city.put("south", test::in_area(test::square(5, 5, 1)), HostState::kCordoned);
  CHECK(city.host_within(test::in_area(test::square(5, 5, 1))) == "nowhere");
}

TEST_CASE("placement: a cordoned host keeps the contexts that are there", "[placement]") {
  City city;
  city.row("*", {"host:north", "host:cloud"});
  city.put("north", std::nullopt, HostState::kCordoned);
  auto query = City::query("ue", nullptr);
  CHECK(place(city.model, query)->host_id == "cloud");
  query.current_uris = {"http://cloud.example/a"};
  CHECK(place(city.model, query)->host_id == "cloud");
  query.current_uris = {"http://north.example/a"};
  CHECK(place(city.model, query)->host_id == "north");
  city.put("north", std::nullopt, HostState::kDown);
  CHECK(place(city.model, query)->host_id == "cloud");
}

std::vector<std::string> hosts(const std::vector<Placement>& placements) {
  std::vector<std::string> ids;
  for (const auto& placement : placements) ids.push_back(placement.host_id);
  return ids;
}

TEST_CASE("placement: all that can serve, in order, each address once", "[placement]") {
  using Ids = std::vector<std::string>;
  City city;
  city.row("dev:car", {"host:south", "host:gone", "host:north"});
  city.row("*", {"host:north", "host:cloud"});
  const auto query = City::query("car", nullptr);
  CHECK(hosts(place_all(city.model, query, 9)) == Ids{"south", "north", "cloud"});
  CHECK(hosts(place_all(city.model, query, 2)) == Ids{"south", "north"});
  CHECK(hosts(place_all(city.model, query, 1)) == Ids{place(city.model, query)->host_id});
  city.put("south", std::nullopt, HostState::kDown);
  CHECK(hosts(place_all(city.model, query, 9)) == Ids{"north", "cloud"});
  city.put("north", std::nullopt, HostState::kCordoned);
  CHECK(hosts(place_all(city.model, query, 9)) == Ids{"cloud"});
  auto there = query;
  there.current_uris = {"http://x.example/a", "http://north.example/a"};
  CHECK(hosts(place_all(city.model, there, 9)) == Ids{"north", "cloud"});
  city.put("north", std::nullopt, HostState::kDown);
  city.put("cloud", std::nullopt, HostState::kDown);
  CHECK(place_all(city.model, query, 9).empty());
}

TEST_CASE("placement: all that serve a location, those of rows first", "[placement]") {
  City city;
  city.row("*", {"host:cloud", "host:south"});
  const auto here = PreparedLocation::make(test::in_country("AU")).value();
  auto query = City::query("ue", nullptr);
  query.location = &here;
  CHECK(hosts(place_all(city.model, query, 9)) == std::vector<std::string>{"south", "north"});
}

TEST_CASE("explain: each attempt with its verdict, in order", "[placement]") {
  City city;
  city.row("dev:car", {"host:gone", "host:north", "host:south"});
  city.row("*", {"host:cloud"});
  city.model.set_table_version(9);
  city.put("north", std::nullopt, HostState::kDown);
  const auto told = explain(city.model, City::query("car", "10.0.0.1"));
  REQUIRE(told.steps.size() == 3);
  CHECK(told.steps[0].verdict == "host is not known");
  CHECK(told.steps[1].verdict == "host is down");
  CHECK(told.steps[2].verdict == "chosen");
  CHECK(told.steps[2].ue == "dev:car");
  CHECK(told.host_id == "south");
  CHECK(told.found);
  CHECK(told.table_version == 9);
  CHECK(told.ip == "10.0.0.1");
}

TEST_CASE("explain: nothing found", "[placement]") {
  const auto told = explain(City().model, City::query("car", nullptr));
  CHECK_FALSE(told.found);
  CHECK(told.steps.empty());
}

}  // namespace
}  // namespace mx2
