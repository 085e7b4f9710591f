#include "orchestrator/mx2/service.h"
#include "tests/catch.h"

namespace mx2 {
namespace {

struct Limits {
  metrics::Registry registry;
  ContextQuota quota{3, 2, registry.gauge("contexts", "test")};
};

ContextOwner owner(const std::string& dev_app_id, const std::string& subject = {}) {
  return {subject, dev_app_id};
}

TEST_CASE("quota: per device application", "[quota]") {
  Limits limits;
  CHECK(limits.quota.take(owner("a")).ok());
  CHECK(limits.quota.take(owner("a")).ok());
  const auto third = limits.quota.take(owner("a"));
  REQUIRE_FALSE(third.ok());
  CHECK(third.error().code == ErrorCode::kForbidden);
  CHECK(third.error().cause == "device-context-limit");
  CHECK(limits.quota.total() == 2);
  limits.quota.give_back(owner("a"));
  CHECK(limits.quota.take(owner("a")).ok());
}

TEST_CASE("quota: device applications of two subjects are two", "[quota]") {
  Limits limits;
  CHECK(limits.quota.take(owner("a", "alice")).ok());
  CHECK(limits.quota.take(owner("a", "alice")).ok());
  CHECK(limits.quota.take(owner("a", "bob")).ok());
}

TEST_CASE("quota: in total", "[quota]") {
  Limits limits;
  for (const char* device : {"a", "b", "c"}) CHECK(limits.quota.take(owner(device)).ok());
  CHECK(limits.quota.take(owner("d")).error().cause == "context-limit");
  limits.quota.give_back(owner("b"));
  CHECK(limits.quota.take(owner("d")).ok());
}

TEST_CASE("quota: what is restored counts, but is not refused", "[quota]") {
  Limits limits;
  for (int i = 0; i < 5; ++i) limits.quota.restore(owner("a"));
  CHECK(limits.quota.total() == 5);
  CHECK_FALSE(limits.quota.take(owner("b")).ok());
  for (int i = 0; i < 5; ++i) limits.quota.give_back(owner("a"));
  CHECK(limits.quota.total() == 0);
}

TEST_CASE("quota: giving back what was never taken changes nothing", "[quota]") {
  Limits limits;
  limits.quota.give_back(owner("a"));
  CHECK(limits.quota.total() == 0);
}

}  // namespace
}  // namespace mx2
