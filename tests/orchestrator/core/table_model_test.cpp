// The table against a simple reference: whatever plans, patches, removals, rollbacks, stops and
// crashes come, and however they fall into one another, the rows are those that the versions make
// one after the other, on disk and in memory, and contexts follow them.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>

#include "tests/support/program.h"

namespace mx2 {
namespace {

using test::Program;
using test::sample_row;

constexpr int kKeys = 400;  // dev: rows that may be; two pieces of a rewrite
constexpr int kRounds = 25;

struct ReferenceRow {
  std::string host;
  Writer writer = Writer::kOperator;
  bool operator==(const ReferenceRow&) const = default;
};
using ReferenceTable = std::map<std::string, ReferenceRow>;

// What makes a version of the table.
struct Step {
  TableVersion::Kind kind = TableVersion::Kind::kPatch;
  std::vector<TableChange> changes;
  std::uint64_t back_to = 0;
};

enum class Interruption : std::uint8_t { kNone, kStop, kCrash };

class ReferenceRun {
 public:
  explicit ReferenceRun(unsigned seed) : random_(seed) {
    program_.files.options.history = {25, 4000};
    program_.stop();
    program_.start();
    past_[1]["*"] = {"north", Writer::kOperator};
    now_ = 1;
  }

  void round() {
    const auto main = random_step();
    const auto beside = random_patch(1 + below(4));
    const bool patches_beside = below(2) == 0;
    const auto interruption = static_cast<Interruption>(below(3));
    auto& store = program_.running->store;
    store.hurry(main.changes.size() < 40);
    const auto calls = static_cast<int>(4 * main.changes.size() + 10);
    std::atomic<bool> interrupted = false;
    const auto interrupt = [&] {
      interrupted = interruption != Interruption::kNone;
      if (interruption == Interruption::kStop) program_.running->rewriter.stop();
      if (interruption == Interruption::kCrash) copy_files();
    };
    store.call_at(1 + below(calls), [&] {
      if (!patches_beside) return interrupt();
      submit(beside, [](const auto& /*outcome*/) {});
      store.call_at(1 + below(calls / 2), interrupt);
    });
    carry_out(main);
    const bool stopped = interrupted && interruption == Interruption::kStop;
    CHECK(rests(stopped));
    store.call_at(0, {});
    if (interrupted) restart(interruption);
    CHECK(rests(false));
    take_versions(main);
    compare();
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  TableChange random_change(int key, Writer writer) {
    auto change = sample_row("dev:ue-" + std::to_string(key), "a",
                             {below(2) == 0 ? "host:north" : "host:south"});
    change.row.writer = writer;
    change.remove = below(4) == 0;
    return change;
  }
  Step random_patch(int rows) {
    Step step;
    const auto writer = below(3) == 0 ? Writer::kOperator : Writer::kOptimizer;
    for (int i = 0; i < rows; ++i) step.changes.push_back(random_change(below(kKeys), writer));
    return step;
  }
  Step random_step() {
    const auto kind = below(10);
    if (kind < 2) return random_patch(1 + below(50));
    Step step;
    if (kind < 4) {
      step.kind = TableVersion::Kind::kRollback;
      step.back_to = now_ - std::min<std::uint64_t>(now_ - 1, 1 + static_cast<unsigned>(below(12)));
      return step;
    }
    step.kind = TableVersion::Kind::kPlan;
    const int share = below(4) == 0 ? 1 : 16;  // of sixteen
    for (int key = 0; key < kKeys; ++key) {
      if (below(16) < share) step.changes.push_back(random_change(key, Writer::kOptimizer));
    }
    std::shuffle(step.changes.begin(), step.changes.end(), random_);
    return step;
  }

  // A patch, and keeps it in mind if it is taken.
  void submit(const Step& patch, Callback<Result<Patched>> answer) {
    ++unanswered_;
    program_.running->rewriter.patch(
        patch.changes, {},
        [this, patch, answer = std::move(answer)](const Result<Patched>& outcome) mutable {
          if (outcome) patches_[outcome->table_version] = patch;
          answer(outcome);
          --unanswered_;
        });
  }
  Result<Rewritten> rewrite(const Step& step) {
    return program_.wait<Rewritten>([&](auto answer) {
      auto& rewriter = program_.running->rewriter;
      if (step.kind == TableVersion::Kind::kRollback) {
        return rewriter.roll_back(step.back_to, std::move(answer));
      }
      rewriter.submit({step.kind, step.changes, now_, "", false}, std::move(answer));
    });
  }
  void carry_out(const Step& step) {
    if (step.kind == TableVersion::Kind::kPatch) {
      REQUIRE(program_.wait<Patched>([&](auto answer) { submit(step, std::move(answer)); }).ok());
      return;
    }
    auto outcome = rewrite(step);
    // The one before is durable a moment before the next is taken.
    while (!outcome && outcome.error().code == ErrorCode::kConflict) outcome = rewrite(step);
    if (outcome) return;
    const auto code = outcome.error().code;
    INFO(outcome.error().detail);
    const bool gone = code == ErrorCode::kGone && step.back_to + 1 < oldest_version();
    const bool nothing = code == ErrorCode::kInvalidArgument && step.back_to == now_;
    CHECK((gone || nothing || code == ErrorCode::kUnavailable ||
           code == ErrorCode::kPreconditionFailed));
  }
  std::uint64_t oldest_version() {
    return program_.running->store.table_versions("", 1000).value().items.back().version;
  }

  // As kill -9 would leave them, in the middle of a unit of work.
  void copy_files() {
    copy_ = program_.files.directory.file("crash-" + std::to_string(++copies_) + ".sqlite");
    for (const auto* part : {"", "-wal"}) {
      std::filesystem::copy_file(program_.files.options.path + part, copy_ + part);
    }
  }
  void restart(Interruption interruption) {
    program_.stop();
    if (interruption == Interruption::kCrash) program_.files.options.path = copy_;
    program_.start();
  }
  // Soon there is nothing left to do, but for a rewrite that was stopped.
  bool rests(bool stopped) {
    for (int i = 0; i < 10'000; ++i) {
      const auto loaded = load();
      const bool rewritten = !loaded.unfinished && loaded.rewrite_pieces.empty();
      if (unanswered_ == 0 && !loaded.relocating && (rewritten || stopped)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }
  Store::Loaded load() {
    return program_.running->store
        .load({[](App&&) -> Result<void> { return {}; }, [](Host&&) -> Result<void> { return {}; },
               [](TableChange&&) -> Result<void> { return {}; }, [](const ContextRecord&) {}})
        .value();
  }

  // Versions that are there now, each made of the one before.
  void take_versions(const Step& main) {
    auto history = program_.running->store.table_versions("", 1000).value().items;
    std::sort(history.begin(), history.end(),
              [](const auto& a, const auto& b) { return a.version < b.version; });
    for (const auto& version : history) {
      if (version.version <= now_) continue;
      REQUIRE(version.version == now_ + 1);
      const bool is_patch = version.kind == TableVersion::Kind::kPatch;
      if (is_patch) REQUIRE(patches_.contains(version.version));
      if (!is_patch) REQUIRE(version.kind == main.kind);
      past_[now_ + 1] = made_of(is_patch ? patches_[version.version] : main);
      ++now_;
    }
    patches_.clear();
  }
  ReferenceTable made_of(const Step& step) {
    if (step.kind == TableVersion::Kind::kRollback) return past_[step.back_to];
    auto table = past_[now_];
    for (const auto& [row, remove] : step.changes) {
      const auto before = table.find(row.ue.text());
      const bool pinned = before != table.end() && before->second.writer == Writer::kOperator;
      if (pinned && step.kind == TableVersion::Kind::kPlan) continue;
      if (remove) {
        table.erase(row.ue.text());
      } else {
        table[row.ue.text()] = {row.targets.front().value, row.writer};
      }
    }
    return table;
  }

  void compare() {
    ReferenceTable stored;
    const auto page = program_.running->store.rows("a", "", "", 10'000).value();
    for (const auto& row : page.items) {
      stored[row.ue.text()] = {row.targets.front().value, row.writer};
    }
    const auto& expected = past_[now_];
    CHECK(stored == expected);
    const auto& model = program_.running->model.unlocked();
    CHECK(model.table_version() == now_);
    CHECK(model.table().rows() == expected.size());
    for (int key = 0; key < kKeys; ++key) {
      const auto name = "ue-" + std::to_string(key);
      std::vector<Table::Match> matches;
      model.table().find("a", name, std::nullopt, matches);
      const auto row = expected.find("dev:" + name);
      const auto& host = row == expected.end() ? expected.at("*").host : row->second.host;
      if (matches.front().targets->front().value != host) FAIL_CHECK(name << " is not at " << host);
    }
    CHECK(program_.settles());
  }

  std::mt19937 random_;
  Program program_{20};
  std::map<std::uint64_t, ReferenceTable> past_;  // by version
  std::uint64_t now_ = 0;
  std::map<std::uint64_t, Step> patches_;  // of this round, by version
  std::atomic<int> unanswered_ = 0;
  std::string copy_;
  int copies_ = 0;
};

// MX2_SEED repeats one run.
TEST_CASE("the table is what its versions make one after the other, whatever happens",
          "[store][plans][model]") {
  const char* given = std::getenv("MX2_SEED");
  const auto seed =
      given != nullptr ? static_cast<unsigned>(std::stoul(given)) : GENERATE(11U, 12U, 13U, 14U);
  ReferenceRun run(seed);
  for (int round = 1; round <= kRounds; ++round) {
    CAPTURE(seed, round);
    run.round();
  }
}

}  // namespace
}  // namespace mx2
