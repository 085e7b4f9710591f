// Checks of the configuration files that are shipped.
#pragma once

#include <string>

#include "api/config/yaml.h"
#include "tests/catch.h"
#include "tests/support/paths.h"

namespace mx2::test {

// What the file comes to equals the defaults, and no key is missing. `read` is the program's.
template <typename Read>
void check_example(const std::string& name, Read read) {
  CAPTURE(name);
  const auto shipped = config::read_yaml_file(source_file("deploy/example/" + name));
  REQUIRE(shipped.ok());
  const auto from_example = read(*shipped);
  const auto from_nothing = read({json::Value::object(), "defaults", {}});
  REQUIRE(from_example.ok());
  REQUIRE(from_nothing.ok());
  CHECK(from_example->effective == from_nothing->effective);
  const auto all_keys = config::parse_yaml(from_nothing->effective, "effective");
  REQUIRE(all_keys.ok());
  for (const auto& [pointer, place] : all_keys->places) {
    CAPTURE(pointer);
    CHECK(shipped->places.count(pointer) == 1);
  }
}

}  // namespace mx2::test
