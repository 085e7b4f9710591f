// The index by address finds what a search of everything finds.
#include "optimizer/address_index.h"

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace mx2::optimizer {
namespace {

TEST_CASE("address index: after any changes it is as a search of all", "[moving]") {
  using Key = std::pair<std::string, std::string>;
  std::map<Key, std::optional<IpAddress>> all;
  AddressIndex<Key> index;
  std::mt19937 random(1);
  const auto number = [&](unsigned n) { return std::to_string(random() % n); };
  for (int i = 0; i < 20'000; ++i) {
    const auto it = all.try_emplace({"app-" + number(3), "device-" + number(100)}).first;
    if (it->second) index.remove(*it->second, it->first);
    it->second.reset();
    if (random() % 3 == 0) {
      all.erase(it);
    } else {
      it->second = IpAddress::parse("10.0.0." + number(20)).value();
      index.add(*it->second, it->first);
    }
    if (i % 50 != 0) continue;
    const auto ip = IpAddress::parse("10.0.0." + number(20)).value();
    std::vector<Key> expected;
    for (const auto& [key, from] : all) {
      if (from && *from == ip) expected.push_back(key);
    }
    std::vector<Key> found;
    index.each_at(ip, [&](const Key& key) { found.push_back(key); });
    REQUIRE(found == expected);
  }
}

}  // namespace
}  // namespace mx2::optimizer
