#include "orchestrator/domain/table.h"

#include "tests/catch.h"
#include "tests/support/samples.h"

namespace mx2 {
namespace {

class Rows {
 public:
  void put(const std::string& ue, const std::string& target, const std::string& app = "a") {
    table.put(UeSelector::parse(ue).value(), app, {Target::parse(target).value()});
  }
  bool remove(const std::string& ue, const std::string& app = "a") {
    return table.remove(UeSelector::parse(ue).value(), app);
  }
  // Targets in the order of the look-up.
  [[nodiscard]] std::vector<std::string> find(const std::string& dev,
                                              const char* ip = nullptr) const {
    std::vector<Table::Match> matches;
    table.find("a", dev, ip == nullptr ? std::nullopt : IpAddress::parse(ip), matches);
    std::vector<std::string> targets;
    for (const auto& match : matches) targets.push_back(match.targets->at(0).value);
    return targets;
  }
  Table table;
};

using Found = std::vector<std::string>;

TEST_CASE("table: dev:, then the longest prefix, then *", "[table]") {
  Rows rows;
  rows.put("*", "host:any");
  rows.put("ip:10.0.0.0/8", "host:eight");
  rows.put("ip:10.1.0.0/16", "host:sixteen");
  rows.put("ip:10.1.2.3", "host:exact");
  rows.put("dev:car", "host:car");
  CHECK(rows.find("car", "10.1.2.3") == Found{"car", "exact", "sixteen", "eight", "any"});
  CHECK(rows.find("bus", "10.1.9.9") == Found{"sixteen", "eight", "any"});
  CHECK(rows.find("bus", "10.9.9.9") == Found{"eight", "any"});
  CHECK(rows.find("bus", "192.0.2.1") == Found{"any"});
  CHECK(rows.find("bus") == Found{"any"});
  CHECK(rows.table.rows() == 5);
  CHECK(rows.table.rows_of_app("a") == 5);
}

TEST_CASE("table: IPv6 prefixes do not catch IPv4, nor 0.0.0.0/0 IPv6", "[table]") {
  Rows rows;
  rows.put("ip:2001:db8::/32", "host:six");
  rows.put("ip:0.0.0.0/0", "host:four");
  CHECK(rows.find("x", "2001:db8:1::1") == Found{"six"});
  CHECK(rows.find("x", "192.0.2.1") == Found{"four"});
  CHECK(rows.find("x", "::ffff:192.0.2.1") == Found{"four"});
  CHECK(rows.find("x", "2001:db9::1").empty());
}

TEST_CASE("table: another app has other rows", "[table]") {
  Rows rows;
  rows.put("*", "host:b", "b");
  CHECK(rows.find("x").empty());
  CHECK(rows.table.rows_of_app("a") == 0);
  CHECK(rows.table.rows_of_app("b") == 1);
}

TEST_CASE("table: put replaces, remove forgets", "[table]") {
  Rows rows;
  for (const char* ue : {"*", "dev:x", "ip:10.0.0.0/8"}) {
    CAPTURE(ue);
    CHECK_FALSE(rows.remove(ue));
    rows.put(ue, "host:one");
    rows.put(ue, "host:two");
    CHECK(rows.table.rows() == 1);
    CHECK(rows.find("x", "10.0.0.1") == Found{"two"});
    CHECK(rows.table.rows_of_host("one") == 0);
    CHECK(rows.table.rows_of_host("two") == 1);
    CHECK(rows.remove(ue));
    CHECK_FALSE(rows.remove(ue));
    CHECK(rows.find("x", "10.0.0.1").empty());
    CHECK(rows.table.rows() == 0);
    CHECK(rows.table.rows_of_host("two") == 0);
  }
}

TEST_CASE("table: a prefix length is forgotten with its last row", "[table]") {
  Rows rows;
  rows.put("ip:10.0.0.0/8", "host:a");
  rows.put("ip:11.0.0.0/8", "host:b");
  CHECK(rows.remove("ip:10.0.0.0/8"));
  CHECK(rows.find("x", "11.0.0.1") == Found{"b"});
  CHECK(rows.remove("ip:11.0.0.0/8"));
  CHECK(rows.find("x", "11.0.0.1").empty());
}

TEST_CASE("pool: equal lists are kept once, freed slots are used again", "[table]") {
  TargetPool pool;
  const std::vector<Target> one{{Target::Kind::kHost, "one"}};
  const std::vector<Target> two{{Target::Kind::kHost, "two"}, {Target::Kind::kEndpoint, "one"}};
  const auto first = pool.acquire(one);
  CHECK(pool.acquire(one) == first);
  const auto second = pool.acquire(two);
  CHECK(second != first);
  CHECK(pool.uses_of_host("one") == 2);
  pool.release(first);
  CHECK(pool.uses_of_host("one") == 1);
  pool.release(first);
  CHECK(pool.uses_of_host("one") == 0);
  CHECK(pool.acquire({{Target::Kind::kHost, "three"}}) == first);
  CHECK(pool.get(second) == two);
}

TEST_CASE("table: many rows of one target list use one entry", "[table]") {
  Rows rows;
  for (int i = 0; i < 1000; ++i) rows.put("dev:" + std::to_string(i), "host:same");
  CHECK(rows.table.rows_of_host("same") == 1000);
  CHECK(rows.find("999") == Found{"same"});
}

TEST_CASE("table: ip:::/0 is for IPv6 alone, ip:0.0.0.0/0 for IPv4", "[table]") {
  Table table;
  table.put(*UeSelector::parse("ip:::/0"), "app", {*Target::parse("host:six")});
  table.put(*UeSelector::parse("ip:0.0.0.0/0"), "app", {*Target::parse("host:four")});
  for (const auto& [address, host] : {std::pair{"192.0.2.1", "four"}, {"2001:db8::1", "six"}}) {
    std::vector<Table::Match> matches;
    table.find("app", "", IpAddress::parse(address), matches);
    REQUIRE(matches.size() == 1);
    CHECK(matches[0].targets->front().value == host);
  }
}

}  // namespace
}  // namespace mx2
