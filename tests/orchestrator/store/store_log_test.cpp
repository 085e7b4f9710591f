// The write-ahead log: under readers, within the limit of size, beside a file that is not its own.
#include <SQLiteCpp/SQLiteCpp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include "orchestrator/store/checkpointer.h"
#include "orchestrator/store/log_mark.h"
#include "orchestrator/store/sqlite_connection.h"
#include "orchestrator/store/store_outbox.h"
#include "tests/catch.h"
#include "tests/support/units.h"

namespace mx2 {
namespace {

namespace fs = std::filesystem;
using test::apply;
using test::ContainsSubstring;
using test::insert;
using test::load;
using test::sample_record;
using test::StoreInDir;

// A program that has begun to read the store and does not end.
class LongReader {
 public:
  explicit LongReader(const std::string& path) : database_(path, SQLite::OPEN_READONLY) {
    database_.exec("BEGIN");
    SQLite::Statement(database_, "SELECT COUNT(*) FROM contexts").executeStep();
  }

 private:
  SQLite::Database database_;
};

ContextRecord large_record(int number) {
  auto record = sample_record(std::to_string(100'000 + number));
  record.document = std::string(3000, 'x');
  return record;
}

template <typename Condition>
bool within_10_s(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST_CASE("store: the log that a reader holds is given back when it has gone", "[store][log]") {
  StoreInDir files;
  files.options.checkpoint_pages = 100;
  const auto log = log_of(files.options.path);
  auto store = files.open().value();
  REQUIRE(insert(*store, sample_record("1")).ok());
  {
    const LongReader reader(files.options.path);
    for (int i = 0; i < 600; ++i) REQUIRE(insert(*store, large_record(i)).ok());
    CHECK(size_of(log) > 600 * 4096);
    CHECK(within_10_s([&] {
      const auto line = "mx2_store_log_bytes " + std::to_string(size_of(log)) + "\n";
      return files.registry.text().find(line) != std::string::npos;
    }));
  }
  // Without another write.
  CHECK(within_10_s([&] { return size_of(log) <= 100 * 4120; }));
  CHECK(insert(*store, sample_record("2")).ok());
  CHECK(store->contexts({}, "", 1000)->items.size() == 602);
}

TEST_CASE("store: the log is cut to its limit while there is writing", "[store][log]") {
  StoreInDir files;
  files.options.checkpoint_pages = 100;
  auto store = files.open().value();
  {
    const LongReader reader(files.options.path);
    for (int i = 0; i < 300; ++i) REQUIRE(insert(*store, large_record(i)).ok());
  }
  int more = 1000;
  CHECK(within_10_s([&] {
    REQUIRE(insert(*store, large_record(more++)).ok());
    return size_of(log_of(files.options.path)) <= 150 * 4120;
  }));
}

TEST_CASE("store: the limit of size counts the log, and reads go on", "[store][log]") {
  constexpr std::size_t kLimit = 1UL << 20U;
  StoreInDir files;
  files.options.size_bytes_max = kLimit;
  auto store = files.open().value();
  REQUIRE(insert(*store, sample_record("1")).ok());
  const auto used = [&] {
    return size_of(files.options.path) + size_of(log_of(files.options.path));
  };
  {
    const LongReader reader(files.options.path);
    Result<void> outcome;
    for (int i = 0; i < 2000 && outcome.ok(); ++i) outcome = insert(*store, large_record(i));
    REQUIRE_FALSE(outcome.ok());
    CHECK(outcome.error().code == ErrorCode::kUnavailable);
    CHECK_THAT(outcome.error().detail, ContainsSubstring("full"));
    CHECK_THAT(outcome.error().detail, ContainsSubstring("reader"));
    CHECK(used() < kLimit + 64 * 1024);
    CHECK_FALSE(apply(*store, [](StoreTransaction& tx) { return tx.set_table_version(7); }).ok());
    CHECK(apply(*store, [](StoreTransaction& tx) -> Result<void> {
            return tx.find_context("1").value() ? Result<void>() : not_found("gone");
          }).ok());
  }
  CHECK(insert(*store, sample_record("2")).ok());
}

// The store was full for whoever wrote while somebody read for more than 20 ms.
TEST_CASE("store: at the limit of size a reader who leaves soon is waited for", "[store][log]") {
  StoreInDir files;
  files.options.size_bytes_max = 1UL << 20U;
  auto store = files.open().value();
  REQUIRE(insert(*store, sample_record("1")).ok());
  auto reader = std::make_unique<LongReader>(files.options.path);
  const auto used = [&] {
    return size_of(files.options.path) + size_of(log_of(files.options.path));
  };
  int number = 0;
  while (used() < files.options.size_bytes_max)
    REQUIRE(insert(*store, large_record(number++)).ok());
  std::thread leaves([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    reader.reset();
  });
  CHECK(insert(*store, large_record(number)).ok());
  leaves.join();
  CHECK(used() < files.options.size_bytes_max);
}

// A checkpoint with each commit, for as long as the data alone were near the limit.
TEST_CASE("store: at the limit of size the log is emptied now and then, not with each commit",
          "[store][log]") {
  StoreInDir files;
  const auto& path = files.options.path;
  SQLite::Database writer(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  writer.exec("PRAGMA journal_mode = WAL");
  writer.exec("CREATE TABLE t (x)");
  Checkpointer checkpointer(path, 1000, 1, files.registry);
  checkpointer.attach(writer.getHandle());
  const auto write = [&] { writer.exec("INSERT INTO t VALUES (1)"); };
  const Checkpointer::Time now{std::chrono::hours(1)};
  CHECK(checkpointer.make_room(now));
  CHECK(size_of(log_of(path)) == 0);
  for (int i = 1; i < 10; ++i) {
    write();
    CHECK(checkpointer.make_room(now + std::chrono::milliseconds(10 * i)));
    CHECK(size_of(log_of(path)) > 0);
  }
  CHECK(checkpointer.make_room(now + std::chrono::seconds(5)));
  CHECK(size_of(log_of(path)) == 0);
  auto reader = std::make_unique<SQLite::Database>(path, SQLite::OPEN_READONLY);
  reader->exec("BEGIN");
  SQLite::Statement(*reader, "SELECT * FROM t").executeStep();
  write();
  CHECK_FALSE(checkpointer.make_room(now + std::chrono::seconds(20)));
  CHECK_FALSE(checkpointer.make_room(now + std::chrono::seconds(20)));
  reader.reset();
  CHECK(checkpointer.make_room(now + std::chrono::seconds(20)));  // at once
}

// Beside it the checkpointer cuts the log, but only when nobody writes at that moment.
TEST_CASE("store: a log that begins anew is cut by its writer", "[store][log]") {
  StoreInDir files;
  files.options.checkpoint_pages = 10;
  SQLite::Database writer(files.options.path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  sqlite::configure(writer, files.options);
  writer.exec("CREATE TABLE contexts (x)");
  const auto write = [&] { writer.exec("INSERT INTO contexts VALUES (zeroblob(3000))"); };
  {
    const LongReader reader(files.options.path);
    for (int i = 0; i < 100; ++i) write();
  }
  CHECK(size_of(log_of(files.options.path)) > 100 * 4096);
  writer.exec("PRAGMA wal_checkpoint(PASSIVE)");
  write();
  CHECK(size_of(log_of(files.options.path)) <= 10 * 4120);
}

TEST_CASE("store: without a reader the limit of size is that of the data", "[store][log]") {
  StoreInDir files;
  files.options.size_bytes_max = 1UL << 20U;
  auto store = files.open().value();
  int stored = 0;
  while (stored < 1000 && insert(*store, large_record(stored)).ok()) ++stored;
  CHECK(stored > 200);  // of 256 pages
  CHECK(stored < 256);
}

// What a crash leaves: both files as they are now. The log first, as it may be moved and cut
// meanwhile.
void copy_store(const std::string& from, const std::string& to) {
  fs::remove(to + "-shm");
  fs::remove(log_of(to));
  if (fs::exists(log_of(from))) fs::copy_file(log_of(from), log_of(to));
  fs::copy_file(from, to, fs::copy_options::overwrite_existing);
}

// A life that ends by kill -9 when it has acknowledged so many contexts.
void live_and_crash(const StoreInDir& files, int first, int acknowledged) {
  std::array<int, 2> acks{};
  REQUIRE(::pipe(acks.data()) == 0);
  const auto child = ::fork();
  if (child == 0) {
    ::close(acks[0]);
    metrics::Registry registry;
    auto store = SqliteStore::open(files.options, registry);
    if (!store.ok() || !load(**store).ok()) ::_exit(1);
    for (int i = first; insert(**store, large_record(i)).ok(); ++i) {
      if (::write(acks[1], "x", 1) != 1) break;
    }
    ::_exit(1);
  }
  ::close(acks[1]);
  char ack = 0;
  int got = 0;
  while (got < acknowledged && ::read(acks[0], &ack, 1) == 1) ++got;
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(acks[0]);
  REQUIRE(got == acknowledged);
}

TEST_CASE("store: what a crash leaves is opened, whenever it comes", "[store][log]") {
  StoreInDir files;
  files.options.checkpoint_pages = 100;
  std::size_t acknowledged = 0;
  for (int life = 0; life < 14; ++life) {
    CAPTURE(life);
    live_and_crash(files, life * 10'000, 1 + life * 7);
    acknowledged += static_cast<std::size_t>(1 + life * 7);
    if (life % 3 > 0) continue;  // else the next life is on what the crash has left
    const auto store = files.open();
    CHECK((store.ok() ? "opened" : store.error().detail) == "opened");
    REQUIRE(store.ok());
    CHECK(load(**store)->contexts >= acknowledged);
  }
}

std::string bytes_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Opens it; the text of the refusal, which leaves the files as they were.
std::string refusal(StoreInDir& files) {
  const auto main = bytes_of(files.options.path);
  const auto log = bytes_of(log_of(files.options.path));
  const auto opened = files.open();
  if (opened.ok()) return "opened";
  CHECK(bytes_of(files.options.path) == main);
  CHECK(bytes_of(log_of(files.options.path)) == log);
  return opened.error().detail;
}

TEST_CASE("store: a copy beside the log of what was there before is refused and left alone",
          "[store][log]") {
  StoreInDir files;
  files.options.checkpoint_pages = 100;
  const auto copy = files.directory.file("copy.sqlite");
  for (const bool own : {true, false}) {
    CAPTURE(own);
    {
      StoreInDir other;
      auto& from = own ? files : other;
      REQUIRE(insert(*from.open().value(), sample_record("in-the-copy")).ok());
      fs::copy_file(from.options.path, copy, fs::copy_options::overwrite_existing);
    }
    // A life that ends by a crash.
    StoreInDir crashed;
    {
      auto store = files.open().value();
      REQUIRE(load(*store).ok());
      for (int i = 0; i < 20; ++i) REQUIRE(insert(*store, large_record(own ? i : 50 + i)).ok());
      copy_store(files.options.path, crashed.options.path);
    }
    fs::copy_file(copy, crashed.options.path, fs::copy_options::overwrite_existing);
    const auto text = refusal(crashed);
    CHECK_THAT(text, ContainsSubstring(log_of(crashed.options.path)));
    CHECK_THAT(text, ContainsSubstring("-shm"));
    CHECK_THAT(text, ContainsSubstring("move"));
    fs::remove(log_of(crashed.options.path));
    fs::remove(crashed.options.path + "-shm");
    auto again = crashed.open();
    REQUIRE(again.ok());
    CHECK(load(**again)->contexts == 1);
    fs::remove(files.options.path);
  }
}

TEST_CASE("store: a file that is damaged beside a log says so, and keeps both", "[store][log]") {
  StoreInDir files;
  {
    auto store = files.open().value();
    for (int i = 0; i < 100; ++i) REQUIRE(insert(*store, large_record(i)).ok());
  }
  StoreInDir crashed;
  {
    auto store = files.open().value();
    REQUIRE(insert(*store, sample_record("1")).ok());
    copy_store(files.options.path, crashed.options.path);
  }
  {
    std::fstream file(crashed.options.path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20 * 4096);
    const std::string noise(60 * 4096, '\xA5');
    file.write(noise.data(), static_cast<std::streamsize>(noise.size()));
  }
  const auto main = bytes_of(crashed.options.path);
  {
    auto opened = crashed.open();
    const auto failed = opened.ok() ? load(**opened) : Result<test::Loaded>(opened.error());
    REQUIRE_FALSE(failed.ok());
    CHECK_THAT(failed.error().detail, ContainsSubstring("damaged"));
    CHECK_THAT(failed.error().detail, ContainsSubstring(log_of(crashed.options.path)));
  }
  CHECK(bytes_of(crashed.options.path) == main);
}

// A unit of a second process that holds the file for a moment.
class Busy final : public UnitOfWork {
 public:
  explicit Busy(std::atomic<int>& done) : done_(done) {}
  Result<void> run(StoreTransaction& transaction) override {
    while (!transaction.time_is_up()) std::this_thread::yield();
    return transaction.set_optimizer_paused(false);
  }
  void done(const Result<void>& outcome) noexcept override { done_ += outcome.ok() ? 1 : 0; }
  [[nodiscard]] bool background() const override { return true; }

 private:
  std::atomic<int>& done_;
};

TEST_CASE("store: a notifier's process takes turns with the orchestrator", "[store]") {
  StoreInDir files;
  auto store = files.open().value();
  StoreInDir beside;
  beside.options = files.options;
  beside.options.beside_orchestrator = true;
  auto second = beside.open().value();
  std::atomic<int> done{0};
  for (int i = 0; i < 1000; ++i) second->submit(std::make_unique<Busy>(done));
  REQUIRE(within_10_s([&] { return done > 4; }));
  std::vector<int> meanwhile;
  for (int i = 0; i < 40; ++i) {
    const int before = done;
    REQUIRE(insert(*store, large_record(i)).ok());
    meanwhile.push_back(done - before);
  }
  std::sort(meanwhile.begin(), meanwhile.end());
  // Units of a batch: two. A batch may end while ours waits, and another begin when the machine is
  // busy with something else.
  CHECK(meanwhile[meanwhile.size() / 2] <= 4);
  REQUIRE(within_10_s([&] { return done > 200; }));  // it gets on as well
}

// It went on at once, and the orchestrator waited until it happened to come first.
TEST_CASE("store: a notifier's process pauses after each of its turns", "[store]") {
  StoreInDir files;
  auto store = files.open().value();
  StoreInDir beside;
  beside.options = files.options;
  beside.options.beside_orchestrator = true;
  auto second = beside.open().value();
  std::atomic<int> done{0};
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 40; ++i) second->submit(std::make_unique<Busy>(done));
  REQUIRE(within_10_s([&] { return done == 40; }));
  // Two units a turn, 5 ms between two turns.
  CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(19 * 5));
}

}  // namespace
}  // namespace mx2
