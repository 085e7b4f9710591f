// Rewrites of the table in pieces, with the n-th call of the storage failing, for every n: a plan
// is carried out as a whole or refused as a whole, whatever happens in between.
#include "tests/support/program.h"

namespace mx2 {
namespace {

using test::Program;
using test::sample_row;

constexpr int kRows = 600;  // three pieces

std::vector<TableChange> plan_to(const std::string& host, int rows = kRows) {
  std::vector<TableChange> changes;
  for (int i = 0; i < rows; ++i) {
    changes.push_back(sample_row("dev:ue-" + std::to_string(i), "a", {"host:" + host}));
    changes.back().row.writer = Writer::kOptimizer;
  }
  return changes;
}

Result<Rewritten> submit(Program& program, std::vector<TableChange> changes, std::uint64_t version,
                         bool dry_run = false) {
  return program.wait<Rewritten>([&](auto answer) {
    program.running->rewriter.submit(
        {TableVersion::Kind::kPlan, std::move(changes), version, "test", dry_run},
        std::move(answer));
  });
}

// Rows of the plan that the store has, by version.
std::map<std::uint64_t, int> versions(Program& program) {
  std::map<std::uint64_t, int> counts;
  std::string cursor;
  do {
    const auto page = program.running->store.rows("a", "", cursor, 1000).value();
    for (const auto& row : page.items) {
      if (row.ue.kind == UeSelector::Kind::kDevApp) ++counts[row.version];
    }
    cursor = page.next;
  } while (!cursor.empty());
  return counts;
}

Store::Loaded store_at_start(Program& program) {
  return program.running->store
      .load({[](App&&) -> Result<void> { return {}; }, [](Host&&) -> Result<void> { return {}; },
             [](TableChange&&) -> Result<void> { return {}; }, [](const ContextRecord&) {}})
      .value();
}

std::size_t pieces_left(Program& program) { return store_at_start(program).rewrite_pieces.size(); }

bool comes_to_rest(Program& program) {
  for (int i = 0; i < 3000; ++i) {
    if (pieces_left(program) == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

TEST_CASE("rewriter: all rows, one version, contexts follow", "[store][plans]") {
  Program program;
  const auto tried = submit(program, plan_to("south"), 1, true);
  REQUIRE(tried.ok());
  CHECK(tried->rows == kRows);
  CHECK(tried->table_version == 1);
  CHECK(versions(program).empty());
  const auto done = submit(program, plan_to("south"), 1);
  REQUIRE(done.ok());
  CHECK(done->rows == kRows);
  CHECK(done->table_version == 2);
  CHECK(versions(program) == std::map<std::uint64_t, int>{{2, kRows}});
  CHECK(program.running->model.unlocked().table_version() == 2);
  REQUIRE(program.settles());
  CHECK(program.record(program.contexts[0]).host_id == "south");
  CHECK(pieces_left(program) == 0);
}

TEST_CASE("rewriter: whatever call fails, it is all done or nothing is", "[store][fault][plans]") {
  // Three pieces logged, two calls to begin, four or more for each row.
  for (const int n : {1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 500, 1200, 1900, 1810, 1811, 1812}) {
    CAPTURE(n);
    Program program;
    program.running->store.fail_at(n);
    const auto outcome = submit(program, plan_to("south"), 1);
    program.running->store.fail_at(0);
    program.stop();
    program.start();
    REQUIRE(comes_to_rest(program));
    REQUIRE(program.settles());
    const auto now = program.running->model.unlocked().table_version();
    CHECK(now == (outcome.ok() ? 2U : 1U));
    CHECK(versions(program) == (outcome.ok() ? std::map<std::uint64_t, int>{{2, kRows}}
                                             : std::map<std::uint64_t, int>{}));
    // And the next one is taken.
    REQUIRE(submit(program, plan_to("north"), now).ok());
    CHECK(versions(program) == std::map<std::uint64_t, int>{{now + 1, kRows}});
  }
}

TEST_CASE("rewriter: a stop in the middle is made good by the next start",
          "[store][fault][plans]") {
  for (const int after_ms : {0, 1, 2, 5, 10, 20}) {
    CAPTURE(after_ms);
    Program program;
    std::promise<Result<Rewritten>> promise;
    program.running->rewriter.submit(
        {TableVersion::Kind::kPlan, plan_to("south"), 1, "test", false},
        Callback<Result<Rewritten>>(
            [&](Result<Rewritten> result) { promise.set_value(std::move(result)); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(after_ms));
    program.stop();
    const auto outcome = promise.get_future().get();
    program.start();
    REQUIRE(comes_to_rest(program));
    REQUIRE(program.settles());
    const auto found = versions(program);
    const bool all = found == std::map<std::uint64_t, int>{{2, kRows}};
    const bool nothing = found.empty();
    CHECK((all || nothing));
    CHECK(program.running->model.unlocked().table_version() == (all ? 2U : 1U));
    if (outcome.ok()) CHECK(all);
    const auto history = program.running->store.table_versions("", 10).value().items;
    CHECK(history.front().finished);
    CHECK(history.front().rows == (all ? std::size_t{kRows} : std::size_t{1}));
  }
}

// Nothing is owed any more: all contexts have followed, as far as this life knows.
bool has_followed(Program& program) {
  for (int i = 0; i < 5000; ++i) {
    if (!store_at_start(program).relocating) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

TEST_CASE("rewriter: contexts of rows that a stop finds half carried out follow all the same",
          "[store][fault][plans]") {
  // In the log, when it begins, and while rows are carried out.
  for (const int call : {1, 3, 4, 5, 7, 100, 700, 1500}) {
    CAPTURE(call);
    Program program;
    for (int i = 10; i < kRows; i += 6) program.create("ue-" + std::to_string(i));
    auto& store = program.running->store;
    store.call_at(call, [&] { program.running->rewriter.stop(); });
    const auto outcome = submit(program, plan_to("south"), 1);
    REQUIRE(store.has_failed());
    CHECK((outcome.ok() || outcome.error().code == ErrorCode::kUnavailable));
    // Requests that are on their way are still served while the program stops.
    const auto patched = program.rewrite({sample_row("dev:other", "a", {"host:north"})});
    REQUIRE(patched.ok());
    REQUIRE(has_followed(program));
    CHECK(submit(program, plan_to("north"), patched->table_version).error().code ==
          ErrorCode::kUnavailable);
    program.stop();
    program.start();
    REQUIRE(comes_to_rest(program));
    REQUIRE(program.settles());
    const bool begun = patched->table_version == 3;
    std::map<std::uint64_t, int> expected{{patched->table_version, 1}};
    if (begun) expected[2] = kRows;
    CHECK(versions(program) == expected);
    CHECK(begun == (call >= 4));
  }
}

TEST_CASE("rewriter: one that waits to be tried again answers when the program stops",
          "[store][fault][plans]") {
  Program program;
  program.running->store.fail_at(10);
  std::promise<Result<Rewritten>> promise;
  program.running->rewriter.submit({TableVersion::Kind::kPlan, plan_to("south"), 1, "test", false},
                                   Callback<Result<Rewritten>>([&](Result<Rewritten> result) {
                                     promise.set_value(std::move(result));
                                   }));
  while (!program.running->store.has_failed()) std::this_thread::yield();
  REQUIRE(test::apply(program.running->store, [](StoreTransaction&) -> Result<void> {
            return {};  // after the step that failed
          }).ok());
  program.running->rewriter.stop();
  auto answer = promise.get_future();
  REQUIRE(answer.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
  CHECK(answer.get().error().code == ErrorCode::kUnavailable);
}

TableChange removal_of(const std::string& ue) {
  auto change = sample_row(ue, "a", {"host:north"});
  change.remove = true;
  return change;
}

// The row's host as the store has it; empty: there is no row.
std::string host_of_row(Program& program, const std::string& ue) {
  const auto rows = program.running->store.rows("a", ue, "", 1).value().items;
  return rows.empty() ? "" : rows.front().targets.front().value;
}

Rewritten roll_table_back(Program& program, std::uint64_t version) {
  const auto done = program.wait<Rewritten>(
      [&](auto answer) { program.running->rewriter.roll_back(version, std::move(answer)); });
  REQUIRE(done.ok());
  return *done;
}

TEST_CASE("rewriter: who removes or pins a row while a plan is carried out comes after the plan",
          "[store][plans]") {
  const bool existed = GENERATE(true, false);
  Program program;
  if (existed) REQUIRE(submit(program, plan_to("north"), 1).ok());
  const auto before = program.running->model.unlocked().table_version();
  auto& store = program.running->store;
  store.hurry();
  std::optional<Patched> patched;
  store.call_at(20, [&] {
    program.running->rewriter.patch(
        {removal_of("dev:ue-599"), sample_row("dev:ue-598", "a", {"host:north"})}, {},
        [&](const Result<Patched>& outcome) {
          if (outcome) patched = *outcome;
          store.hurry(false);
        });
  });
  const auto planned = submit(program, plan_to("south"), before);
  REQUIRE(planned.ok());
  REQUIRE(patched);
  CHECK(patched->table_version == planned->table_version + 1);
  CHECK(planned->superseded == 2);
  CHECK(planned->rows == kRows - 2);
  CHECK(host_of_row(program, "dev:ue-599").empty());
  CHECK(host_of_row(program, "dev:ue-598") == "north");
  // Each version can be gone back to as if they had come one after the other.
  REQUIRE(program.rewrite({sample_row("dev:other", "a", {"host:north"})}).ok());
  roll_table_back(program, patched->table_version);
  CHECK(host_of_row(program, "dev:ue-599").empty());
  CHECK(host_of_row(program, "dev:ue-598") == "north");
  CHECK(host_of_row(program, "dev:ue-0") == "south");
  roll_table_back(program, planned->table_version);
  CHECK(host_of_row(program, "dev:ue-599") == "south");
  CHECK(host_of_row(program, "dev:ue-598") == "south");
  roll_table_back(program, before);
  CHECK(host_of_row(program, "dev:ue-599") == (existed ? "north" : ""));
  CHECK(host_of_row(program, "dev:ue-598") == (existed ? "north" : ""));
  CHECK(host_of_row(program, "dev:ue-0") == (existed ? "north" : ""));
}

// Its last target is none.
Association unreadable_row(const std::string& ue, Writer writer) {
  auto row = sample_row(ue, "a", {"host:north"}).row;
  row.targets[0].value += " nowhere";
  row.writer = writer;
  row.version = 1;
  return row;
}

std::vector<std::string> rows_set_aside(Program& program) {
  std::vector<std::string> all;
  for (const auto& item : program.running->store.set_aside().list()) {
    all.push_back(item.kind + " " + item.id);
  }
  return all;
}

// It was tried again and again, and no other rewrite was taken.
TEST_CASE("rewriter: a row whose past cannot be read is set aside and stops nothing",
          "[store][plans]") {
  Program program;
  auto& store = program.running->store;
  store.hurry();
  store.call_at(20, [&] {
    const auto broken = unreadable_row("dev:ue-599", Writer::kOperator);
    store.submit(std::make_unique<test::LambdaUnit>(
        [broken](StoreTransaction& tx) { return tx.put_row_before(2, broken.ue, "a", broken); },
        [&](const Result<void>&) {}));
    program.running->rewriter.patch({sample_row("dev:ue-599", "a", {"host:north"})}, {},
                                    [&](const Result<Patched>&) { store.hurry(false); });
  });
  const auto planned = submit(program, plan_to("south"), 1);
  REQUIRE(planned.ok());
  CHECK(planned->superseded == 1);
  const std::vector<std::string> expected{"pastRow a dev:ue-599 before version 2"};
  CHECK(roll_table_back(program, 1).rows == kRows - 1);
  CHECK(host_of_row(program, "dev:ue-599") == "north");
  CHECK(host_of_row(program, "dev:ue-598").empty());
  CHECK(rows_set_aside(program) == expected);
}

TEST_CASE("rewriter: a pin that cannot be read is a pin", "[store][plans]") {
  Program program;
  const auto store_row = [&](const Association& row) {
    auto& real = program.running->store.real();
    REQUIRE(test::apply(real, [&](StoreTransaction& tx) { return tx.put_row(row); }).ok());
  };
  store_row(unreadable_row("dev:ue-5", Writer::kOperator));
  store_row(unreadable_row("dev:ue-6", Writer::kOptimizer));
  const auto planned = submit(program, plan_to("south"), 1);
  REQUIRE(planned.ok());
  CHECK(planned->pinned == 1);
  CHECK(planned->rows == kRows - 1);
  CHECK(host_of_row(program, "dev:ue-5").empty());
  CHECK(host_of_row(program, "dev:ue-6") == "south");
  // The other one is read by now.
  CHECK(rows_set_aside(program) == std::vector<std::string>{"row a dev:ue-5"});
  REQUIRE(program.rewrite({sample_row("dev:ue-5", "a", {"host:north"})}).ok());
  CHECK(rows_set_aside(program).empty());
}

TEST_CASE("rewriter: a row that was removed may be put again by the next plan", "[store][plans]") {
  Program program;
  auto& store = program.running->store;
  store.hurry();
  store.call_at(20, [&] {
    program.running->rewriter.patch({removal_of("dev:ue-599")}, {},
                                    [&](const Result<Patched>&) { store.hurry(false); });
  });
  REQUIRE(submit(program, plan_to("south"), 1)->superseded == 1);
  const auto again = submit(program, plan_to("south"), 3);
  REQUIRE(again.ok());
  CHECK(again->superseded == 0);
  CHECK(host_of_row(program, "dev:ue-599") == "south");
}

TEST_CASE("rollback: nobody adds to the past while it is read", "[store][plans]") {
  Program program;
  REQUIRE(submit(program, plan_to("south"), 1).ok());
  std::optional<ErrorCode> refused;
  program.running->store.when_past_is_read([&] {
    const auto other = submit(program, plan_to("north"), 2);
    if (!other) refused = other.error().code;
  });
  CHECK(roll_table_back(program, 1).rows == kRows);
  CHECK(refused == ErrorCode::kConflict);
  CHECK(versions(program).empty());
  program.running->store.when_past_is_read({});
  // One that finds nothing to do, or nothing that it may do, leaves the way free.
  const auto refuse = [&](std::uint64_t version) {
    return program
        .wait<Rewritten>(
            [&](auto answer) { program.running->rewriter.roll_back(version, std::move(answer)); })
        .error()
        .code;
  };
  CHECK(refuse(99) == ErrorCode::kInvalidArgument);
  CHECK(submit(program, plan_to("south"), 3).ok());
}

TEST_CASE("history: what is too long at the start is forgotten without another change",
          "[store][history]") {
  Program program;
  for (std::uint64_t version = 1; version <= 3; ++version) {
    REQUIRE(submit(program, plan_to(version == 2 ? "north" : "south"), version).ok());
  }
  program.stop();
  program.files.options.history.versions_max = 2;
  program.start();
  const auto versions_left = [&] {
    return program.running->store.table_versions("", 10).value().items.size();
  };
  for (int i = 0; i < 3000 && versions_left() > 2; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(versions_left() == 2);
  CHECK(program.running->store.changes_back_to(2)->size() == kRows);
  CHECK(program.running->store.changes_back_to(1).error().code == ErrorCode::kGone);
}

TEST_CASE("rewriter: what is changed while it is under way stays", "[store][plans]") {
  Program program;
  std::promise<Result<Rewritten>> promise;
  program.running->rewriter.submit(
      {TableVersion::Kind::kPlan, plan_to("south", 5000), 1, "test", false},
      Callback<Result<Rewritten>>(
          [&](Result<Rewritten> result) { promise.set_value(std::move(result)); }));
  // Comes second.
  CHECK(submit(program, plan_to("north"), 1).error().code == ErrorCode::kConflict);
  while (program.running->model.read([](const Model& m) { return m.table_version(); }) < 2) {
    std::this_thread::yield();
  }
  auto last = sample_row("dev:ue-4999", "a", {"host:north"});
  last.row.writer = Writer::kOptimizer;
  REQUIRE(program.rewrite({last}).ok());
  const auto outcome = promise.get_future().get();
  REQUIRE(outcome.ok());
  CHECK(outcome->superseded == 1);
  CHECK(outcome->rows == 4999);
  const auto row = program.running->store.rows("a", "dev:ue-4999", "", 1).value().items.at(0);
  CHECK(row.targets.at(0).value == "north");
  CHECK(program.running->model.unlocked().table_version() == 3);
}

}  // namespace
}  // namespace mx2
