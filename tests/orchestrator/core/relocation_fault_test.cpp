// A rewrite that contexts follow, with the n-th call of the storage failing, for every n: in the
// end every context agrees with the table, and the outbox holds its last address.
#include "tests/support/program.h"

namespace mx2 {
namespace {

using test::Program;
using test::sample_row;

std::vector<TableChange> all_south() { return {sample_row("*", "a", {"host:south"})}; }

std::vector<TableChange> two_south() {
  return {sample_row("dev:ue-0", "a", {"host:south"}), sample_row("dev:ue-2", "a", {"host:south"})};
}

TEST_CASE("relocation: a rewrite that fails at any call is made good by the next start",
          "[store][fault][relocation]") {
  for (const auto& rows : {all_south(), two_south()}) {
    for (int n = 1; n <= 24;
         ++n) {  // more than there are calls: six or nine, and two for each context
      CAPTURE(rows.size(), n);
      Program program;
      program.running->store.fail_at(n);
      const bool taken = program.rewrite(rows).ok();
      program.stop();  // at once: what has failed is not tried again in this life
      program.start();
      REQUIRE(program.settles());
      CHECK((program.record(program.contexts[0]).host_id == "south") == taken);
    }
  }
}

TEST_CASE("relocation: a piece that fails is tried again without a restart",
          "[store][fault][relocation]") {
  for (const int call : {7, 9, 11}) {  // after the six of the rewrite itself
    CAPTURE(call);
    Program program;
    program.running->store.fail_at(call);
    REQUIRE(program.rewrite(all_south()).ok());
    CHECK(program.settles());
    CHECK(program.running->store.has_failed());
  }
}

TEST_CASE("relocation: a crash between the rewrite and its pieces is noticed",
          "[store][fault][relocation]") {
  Program program;
  program.running->relocation.stop();
  program.running->store.fail_at(7);  // the first call of the first piece
  REQUIRE(program.rewrite(all_south()).ok());
  program.stop();
  program.start();
  CHECK(program.running->relocating);
  REQUIRE(program.settles());
  for (const auto& id : program.contexts) CHECK(program.record(id).host_id == "south");
  program.stop();
  program.start();
  CHECK_FALSE(program.running->relocating);
}

TEST_CASE("relocation: rewrites while pieces are under way end with the last",
          "[store][relocation]") {
  Program program;
  for (int i = 0; i < 300; ++i) program.create("more-" + std::to_string(i % 90));
  for (int i = 0; i < 20; ++i) {
    const char* target = i % 2 == 0 ? "host:south" : "host:north";
    REQUIRE(program.rewrite({sample_row("*", "a", {target})}).ok());
    REQUIRE(program.rewrite({sample_row("dev:more-" + std::to_string(i), "a", {target})}).ok());
  }
  CHECK(program.settles());
}

}  // namespace
}  // namespace mx2
