// Group commit, recovery and what the store refuses.
#include <atomic>

#include "tests/catch.h"
#include "tests/support/units.h"

namespace mx2 {
namespace {

using test::apply;
using test::insert;
using test::LambdaUnit;
using test::load;
using test::sample_record;
using test::StoreInDir;

// Holds the writer inside a unit until released, so that what is submitted meanwhile waits
// together.
class Gate {
 public:
  explicit Gate(Store& store, bool changes_model = false) {
    std::promise<void> entered;
    store.submit(std::make_unique<LambdaUnit>(
        [&entered, open = open_.get_future().share()](StoreTransaction&) -> Result<void> {
          entered.set_value();
          open.wait();
          return {};
        },
        [](const Result<void>&) {}, changes_model));
    entered.get_future().wait();
  }
  void open() { open_.set_value(); }

 private:
  std::promise<void> open_;
};

TEST_CASE("store: a failing unit does not undo the others of its batch", "[store]") {
  StoreInDir files;
  auto store = files.open().value();
  Gate gate(*store);
  std::vector<std::string> outcomes;
  const auto note = [&](const Result<void>& outcome) {
    outcomes.push_back(outcome.ok() ? "ok" : outcome.error().detail);
  };
  const auto inserting = [](const char* id, Result<void> end) {
    return [id, end](StoreTransaction& tx) {
      auto inserted = tx.insert_context(sample_record(id));
      return inserted.ok() ? end : inserted;
    };
  };
  store->submit(std::make_unique<LambdaUnit>(inserting("1", {}), note));
  store->submit(std::make_unique<LambdaUnit>(inserting("2", conflict("no")), note));
  store->submit(std::make_unique<LambdaUnit>(
      [](StoreTransaction& tx) -> Result<void> {
        static_cast<void>(tx.insert_context(sample_record("3")));
        throw std::runtime_error("bug");
      },
      note));
  store->submit(std::make_unique<LambdaUnit>(inserting("4", {}), note));
  store->submit(std::make_unique<LambdaUnit>(inserting("4", {}), note));
  store->submit(std::make_unique<LambdaUnit>(inserting("5", {}), note));
  gate.open();
  store->close();
  CHECK(outcomes ==
        std::vector<std::string>{"ok", "no", "internal error", "ok", "internal error", "ok"});
  const auto page = store->contexts({}, "", 10).value();
  REQUIRE(page.items.size() == 3);
  CHECK(page.items[1].context_id == "4");
}

TEST_CASE("store: done() comes once, in order, after the commit", "[store]") {
  StoreInDir files;
  auto store = files.open().value();
  Gate gate(*store);
  std::vector<int> order;
  std::atomic<int> visible_in_first{-1};
  for (int i = 0; i < 200; ++i) {
    store->submit(std::make_unique<LambdaUnit>(
        [i](StoreTransaction& tx) { return tx.insert_context(sample_record(std::to_string(i))); },
        [&, i](const Result<void>&) {
          if (i == 0) {
            visible_in_first = static_cast<int>(store->contexts({}, "", 1000)->items.size());
          }
          order.push_back(i);
        }));
  }
  gate.open();
  store->close();
  REQUIRE(order.size() == 200);
  CHECK(std::is_sorted(order.begin(), order.end()));
  CHECK(visible_in_first == 200);
}

TEST_CASE("store: a unit that changes the model is alone in its batch", "[store]") {
  StoreInDir files;
  auto store = files.open().value();
  Gate gate(*store);
  std::vector<std::string> events;
  const auto submit = [&](const std::string& name, bool changes_model) {
    store->submit(std::make_unique<LambdaUnit>(
        [&events, name](StoreTransaction&) -> Result<void> {
          events.push_back("run " + name);
          return {};
        },
        [&events, name](const Result<void>&) { events.push_back("done " + name); }, changes_model));
  };
  submit("a", false);
  submit("b", false);
  submit("M", true);
  submit("c", false);
  submit("d", false);
  gate.open();
  store->close();
  CHECK(events == std::vector<std::string>{"run a", "run b", "done a", "done b", "run M", "done M",
                                           "run c", "run d", "done c", "done d"});
}

TEST_CASE("store: everything is there after reopening", "[store]") {
  StoreInDir files;
  auto host = test::sample_host("north", {"a"});
  host.service_area = {test::in_area(test::square(0, 0, 1), "AU")};
  {
    auto store = files.open().value();
    REQUIRE(apply(*store, [&](StoreTransaction& tx) -> Result<void> {
              static_cast<void>(tx.put(test::sample_app("a")));
              static_cast<void>(tx.put(test::sample_app("gone")));
              static_cast<void>(tx.delete_document(Stored::kApp, "gone"));
              static_cast<void>(tx.put(host));
              static_cast<void>(tx.put_row(test::sample_row("*", "a", {"host:north"}).row));
              static_cast<void>(tx.put_row(test::sample_row("dev:x y", "a", {"endpoint:e:1"}).row));
              static_cast<void>(tx.delete_row(UeSelector::parse("*").value(), "a"));
              return tx.set_table_version(42);
            }).ok());
    REQUIRE(insert(*store, sample_record("1")).ok());
    auto changed = sample_record("1");
    changed.revision = 2;
    changed.document = "{}";
    REQUIRE(apply(*store, [&](StoreTransaction& tx) { return tx.update_context(changed); }).ok());
    REQUIRE(insert(*store, sample_record("2")).ok());
    REQUIRE(apply(*store, [&](StoreTransaction& tx) { return tx.delete_context("2"); }).ok());
  }
  auto store = files.open().value();
  const auto loaded = load(*store).value();
  CHECK(loaded == test::Loaded{{"a"}, {"north"}, {"dev:x y endpoint:e:1"}, 1, 42});
  std::optional<ContextRecord> found;
  REQUIRE(apply(*store, [&](StoreTransaction& tx) -> Result<void> {
            found = tx.find_context("1").value();
            return {};
          }).ok());
  REQUIRE(found);
  CHECK(found->revision == 2);
  CHECK(found->document == "{}");
}

TEST_CASE("store: pages of contexts and rows", "[store]") {
  StoreInDir files;
  auto store = files.open().value();
  for (int i = 0; i < 5; ++i) {
    REQUIRE(insert(*store, sample_record(std::to_string(i), i % 2 == 0 ? "even" : "odd")).ok());
    REQUIRE(apply(*store, [&](StoreTransaction& tx) {
              return tx.put_row(
                  test::sample_row("dev:" + std::to_string(i), i < 3 ? "a" : "b", {"host:n"}).row);
            }).ok());
  }
  auto page = store->contexts({}, "", 2).value();
  CHECK(page.items.size() == 2);
  CHECK(page.next == "1");
  page = store->contexts({}, "3", 2).value();
  CHECK(page.items.size() == 1);
  CHECK(page.next.empty());
  CHECK(store->contexts({"", "odd", ""}, "", 9)->items.size() == 2);
  CHECK(store->contexts({"a", "even", "north"}, "", 9)->items.size() == 3);
  CHECK(store->contexts({"", "", "south"}, "", 9)->items.empty());
  std::size_t seen = 0;
  std::string cursor;
  do {
    const auto rows = store->rows("", "", cursor, 2).value();
    seen += rows.items.size();
    cursor = rows.next;
  } while (!cursor.empty());
  CHECK(seen == 5);
  CHECK(store->rows("b", "", "", 9)->items.size() == 2);
  CHECK(store->rows("", "dev:1", "", 9)->items.size() == 1);
  CHECK_FALSE(store->rows("", "", "no newline", 9).ok());
}

TEST_CASE("store: a full queue refuses at once with unavailable", "[store]") {
  StoreInDir files;
  files.options.queue_max = 2;
  auto store = files.open().value();
  Gate gate(*store);
  std::atomic<int> done{0};
  Result<void> refused;
  for (int i = 0; i < 3; ++i) {
    store->submit(std::make_unique<LambdaUnit>([](StoreTransaction&) -> Result<void> { return {}; },
                                               [&, i](const Result<void>& outcome) {
                                                 ++done;
                                                 if (i == 2) refused = outcome;
                                               }));
  }
  CHECK(done == 1);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kUnavailable);
  CHECK(refused.error().retry_after_s > 0);
  gate.open();
  store->close();
  CHECK(done == 3);
}

TEST_CASE("store: close() finishes what was submitted, then refuses", "[store]") {
  StoreInDir files;
  auto store = files.open().value();
  std::atomic<int> stored{0};
  for (int i = 0; i < 500; ++i) {
    store->submit(std::make_unique<LambdaUnit>(
        [i](StoreTransaction& tx) { return tx.insert_context(sample_record(std::to_string(i))); },
        [&](const Result<void>& outcome) { stored += outcome.ok() ? 1 : 0; }));
  }
  store->close();
  CHECK(stored == 500);
  CHECK(insert(*store, sample_record("x")).error().code == ErrorCode::kUnavailable);
  store->close();
}

}  // namespace
}  // namespace mx2
