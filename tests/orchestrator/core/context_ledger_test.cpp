#include "orchestrator/core/context_ledger.h"

#include <algorithm>
#include <chrono>
#include <future>

#include "api/base/ids.h"
#include "tests/catch.h"
#include "tests/support/sequential_ids.h"

namespace mx2 {
namespace {

struct Limits {
  explicit Limits(std::size_t total = 3) : ledger(total, 2, events, changes, registry) {}
  metrics::Registry registry;
  ContextEvents events{{}, registry.gauge("listeners", "test")};
  ChangeFeed changes{{}, 1};
  ContextLedger ledger;
};

ContextRecord some_context(const std::string& id, const std::string& app,
                           const std::string& dev_app_id, const std::string& subject = {}) {
  ContextRecord record;
  record.context_id = id;
  record.app_d_id = app;
  record.dev_app_id = dev_app_id;
  record.subject = subject;
  return record;
}

ContextRecord owner(const std::string& dev_app_id, const std::string& subject = {}) {
  return some_context({}, "app", dev_app_id, subject);
}

TEST_CASE("quota: per device application", "[quota]") {
  Limits limits;
  auto& ledger = limits.ledger;
  CHECK(ledger.admit(owner("a")).ok());
  CHECK(ledger.admit(owner("a")).ok());
  const auto third = ledger.admit(owner("a"));
  REQUIRE_FALSE(third.ok());
  CHECK(third.error().code == ErrorCode::kForbidden);
  CHECK(third.error().cause == "device-context-limit");
  CHECK(ledger.total() == 2);
  ledger.withdraw(owner("a"));
  CHECK(ledger.admit(owner("a")).ok());
}

TEST_CASE("quota: device applications of two subjects are two", "[quota]") {
  Limits limits;
  auto& ledger = limits.ledger;
  CHECK(ledger.admit(owner("a", "alice")).ok());
  CHECK(ledger.admit(owner("a", "alice")).ok());
  CHECK(ledger.admit(owner("a", "bob")).ok());
}

TEST_CASE("quota: in total", "[quota]") {
  Limits limits;
  auto& ledger = limits.ledger;
  for (const char* device : {"a", "b", "c"}) CHECK(ledger.admit(owner(device)).ok());
  CHECK(ledger.admit(owner("d")).error().cause == "context-limit");
  ledger.withdraw(owner("b"));
  CHECK(ledger.admit(owner("d")).ok());
}

TEST_CASE("quota: what is restored counts, but is not refused", "[quota]") {
  Limits limits;
  auto& ledger = limits.ledger;
  for (int i = 0; i < 5; ++i) ledger.restore(owner("a"));
  CHECK(ledger.total() == 5);
  CHECK_FALSE(ledger.admit(owner("b")).ok());
  for (int i = 0; i < 5; ++i) ledger.withdraw(owner("a"));
  CHECK(ledger.total() == 0);
}

TEST_CASE("quota: giving back what was never taken changes nothing", "[quota]") {
  Limits limits;
  auto& ledger = limits.ledger;
  ledger.withdraw(owner("a"));
  CHECK(ledger.total() == 0);
}

std::vector<std::string> sorted(std::vector<std::string> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

TEST_CASE("context index: what a device application has for an app", "[mx2]") {
  Limits limits(100);
  auto& ledger = limits.ledger;
  SequentialIds ids;
  const auto a = ids.next();
  const auto b = ids.next();
  const auto other = ids.next();
  ledger.restore(some_context(a, "app", "ue"));
  ledger.restore(some_context(b, "app", "ue"));
  ledger.restore(some_context(other, "app", "ue-2"));
  CHECK(sorted(ledger.find("app", "ue")) == std::vector{a, b});
  CHECK(ledger.find("app", "ue-2") == std::vector{other});
  CHECK(ledger.find("app-2", "ue").empty());
  CHECK(ledger.find("ue", "app").empty());
  CHECK(ledger.find("appu", "e").empty());
}

TEST_CASE("context index: one is removed, the others stay", "[mx2]") {
  Limits limits(100);
  auto& ledger = limits.ledger;
  SequentialIds ids;
  const auto a = ids.next();
  const auto b = ids.next();
  ledger.restore(some_context(a, "app", "ue"));
  ledger.restore(some_context(b, "app", "ue"));
  ledger.ended(some_context(a, "app", "ue-2"));
  ledger.ended(some_context(ids.next(), "app", "ue"));
  CHECK(ledger.find("app", "ue").size() == 2);
  ledger.ended(some_context(a, "app", "ue"));
  ledger.ended(some_context(a, "app", "ue"));
  CHECK(ledger.find("app", "ue") == std::vector{b});
}

TEST_CASE("context index: identifiers come back as they were", "[mx2]") {
  Limits limits(100);
  auto& ledger = limits.ledger;
  const std::string id = "0123456789abcdeffedcba9876543210";
  ledger.restore(some_context(id, "app", ""));
  CHECK(ledger.find("app", "") == std::vector{id});
}

TEST_CASE("context index: an identifier of a foreign form harms nothing", "[mx2]") {
  Limits limits(100);
  auto& ledger = limits.ledger;
  for (const char* odd : {"", "1", "xyz", "not hexadecimal at all, and far too long for it"}) {
    ledger.restore(some_context(odd, "app", "ue"));
    ledger.ended(some_context(odd, "app", "ue"));
  }
  CHECK(ledger.find("app", "ue").empty());
}

TEST_CASE("context ledger: who was away is told to read again what came while nobody followed",
          "[mx2]") {
  Limits limits;
  limits.ledger.added(some_context("c", "app", "ue"), {});
  std::promise<Result<ChangeFeed::News>> told;
  limits.changes.poll(1, std::chrono::milliseconds(0),
                      [&](Result<ChangeFeed::News> news) { told.set_value(std::move(news)); });
  const auto news = told.get_future().get();
  REQUIRE_FALSE(news.ok());
  CHECK(news.error().code == ErrorCode::kGone);
}

TEST_CASE("context ledger: clients are counted where they are served", "[mx2]") {
  using Clients = ContextLedger::Clients;
  Limits limits;
  auto& ledger = limits.ledger;
  auto record = some_context(SequentialIds().next(), "app", "ue");
  record.host_id = "north";
  ledger.added(record, {});
  CHECK(ledger.clients() == Clients{{{"app", "north"}, 1}});
  ContextPlace south{record.context_id, "app", "ue", {}, "south", nullptr};
  ledger.changed({record.context_id, 2, {}, "north", south});
  ledger.changed({record.context_id, 3, {}, "south", south});
  ledger.changed({record.context_id, 4, {}, "south", {}});
  CHECK(ledger.clients() == Clients{{{"app", "south"}, 1}});
  record.host_id = "south";
  ledger.ended(record);
  CHECK(ledger.clients().empty());
}

TEST_CASE("context ledger: followers and listeners are told of each change once", "[mx2]") {
  Limits limits;
  auto& ledger = limits.ledger;
  const auto begin = limits.changes.follow();
  const auto record = some_context(SequentialIds().next(), "app", "ue");
  REQUIRE(ledger.admit(record).ok());
  ledger.added(record, {});
  ledger.changed({record.context_id, 2, {}, {}, {}});
  ledger.changed({record.context_id, 3, {}, {}, ContextPlace{}});
  ledger.ended(record);
  CHECK(limits.changes.follow() == begin + 3);
  CHECK(ledger.total() == 0);
}

}  // namespace
}  // namespace mx2
