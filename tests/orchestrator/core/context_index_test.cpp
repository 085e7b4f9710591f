#include "orchestrator/core/context_index.h"

#include <algorithm>

#include "api/base/ids.h"
#include "tests/catch.h"

namespace mx2 {
namespace {

std::vector<std::string> sorted(std::vector<std::string> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

TEST_CASE("context index: what a device application has for an app", "[mx2]") {
  ContextIndex index;
  SequentialIds ids;
  const auto a = ids.next();
  const auto b = ids.next();
  const auto other = ids.next();
  index.add("app", "ue", a);
  index.add("app", "ue", b);
  index.add("app", "ue-2", other);
  CHECK(sorted(index.find("app", "ue")) == std::vector{a, b});
  CHECK(index.find("app", "ue-2") == std::vector{other});
  CHECK(index.find("app-2", "ue").empty());
  CHECK(index.find("ue", "app").empty());
  CHECK(index.find("appu", "e").empty());
}

TEST_CASE("context index: one is removed, the others stay", "[mx2]") {
  ContextIndex index;
  SequentialIds ids;
  const auto a = ids.next();
  const auto b = ids.next();
  index.add("app", "ue", a);
  index.add("app", "ue", b);
  index.remove("app", "ue-2", a);
  index.remove("app", "ue", ids.next());
  CHECK(index.find("app", "ue").size() == 2);
  index.remove("app", "ue", a);
  index.remove("app", "ue", a);
  CHECK(index.find("app", "ue") == std::vector{b});
}

TEST_CASE("context index: identifiers come back as they were", "[mx2]") {
  ContextIndex index;
  const std::string id = "0123456789abcdeffedcba9876543210";
  index.add("app", "", id);
  CHECK(index.find("app", "") == std::vector{id});
}

TEST_CASE("context index: an identifier of a foreign form harms nothing", "[mx2]") {
  ContextIndex index;
  for (const char* odd : {"", "1", "xyz", "not hexadecimal at all, and far too long for it"}) {
    index.add("app", "ue", odd);
    index.remove("app", "ue", odd);
  }
  CHECK(index.find("app", "ue").empty());
}

}  // namespace
}  // namespace mx2
