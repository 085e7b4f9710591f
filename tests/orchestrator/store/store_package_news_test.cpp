// What is owed to subscribers of packages, in the store.
#include "tests/catch.h"
#include "tests/support/units.h"

namespace mx2 {
namespace {

using test::apply;
using test::entry_of;

notifier::OutboxEntry news_of(const std::string& subscription, int package) {
  auto entry = entry_of(subscription + "/p" + std::to_string(package));
  entry.topic = notifier::Topic::kPackages;
  return entry;
}

std::vector<std::string> owed_in(Store& store) {
  std::vector<std::string> ids;
  const auto entries = store.notifications(0, 2000).value();
  for (const auto& entry : entries) ids.push_back(entry.context_id);
  return ids;
}

TEST_CASE("outbox: what is owed about packages goes with its subscription", "[store][outbox]") {
  test::StoreInDir files;
  const auto store = files.open().value();
  REQUIRE(apply(*store, [](StoreTransaction& tx) -> Result<void> {
            for (const auto& entry : {entry_of("aa"), news_of("ab", 0), entry_of("ac")}) {
              if (auto put = tx.put_notification(entry); !put) return put;
            }
            return {};
          }).ok());
  CHECK(owed_in(*store) == std::vector<std::string>{"aa", "ab/p0", "ac"});
  CHECK(store->notification("ab/p0", notifier::Topic::kPackages).value()->body ==
        entry_of("x").body);
  REQUIRE(apply(*store, [](StoreTransaction& tx) { return tx.delete_notifications("ab"); }).ok());
  CHECK(owed_in(*store) == std::vector<std::string>{"aa", "ac"});
}

TEST_CASE("outbox: what is owed to one subscriber of packages is bounded", "[store][outbox]") {
  test::StoreInDir files;
  const auto store = files.open().value();
  REQUIRE(apply(*store, [](StoreTransaction& tx) -> Result<void> {
            for (const auto& entry : {entry_of("aa"), news_of("aa", 0)}) {
              if (auto put = tx.put_notification(entry); !put) return put;
            }
            for (int i = 0; i < 1010; ++i) {
              if (auto put = tx.put_notification(news_of("ab", i)); !put) return put;
            }
            return {};
          }).ok());
  const auto owed = owed_in(*store);
  REQUIRE(owed.size() == 1002);
  CHECK(owed[0] == "aa");
  CHECK(owed[1] == "aa/p0");
  CHECK(owed[2] == "ab/p10");
  CHECK(owed.back() == "ab/p1009");
}

}  // namespace
}  // namespace mx2
