// Names that are looked up in the background.
#include "dispatcher/names.h"

#include <atomic>
#include <condition_variable>
#include <optional>
#include <set>

#include "tests/catch.h"
#include "tests/dispatcher/support.h"

namespace mx2::dispatcher {
namespace {

// A resolver that holds names back until they are released, and notes who was asked for.
class Resolver {
 public:
  std::vector<std::string> operator()(const std::string& name) {
    std::unique_lock lock(mutex);
    asked.push_back(name);
    changed.notify_all();
    changed.wait(lock, [&] { return !held.contains(name); });
    return name.starts_with("dead") ? std::vector<std::string>() : addresses;
  }
  void hold(const std::string& name) {
    const std::lock_guard lock(mutex);
    held.insert(name);
  }
  void release() {
    const std::lock_guard lock(mutex);
    held.clear();
    changed.notify_all();
  }
  [[nodiscard]] std::size_t count() {
    const std::lock_guard lock(mutex);
    return asked.size();
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::string> held;
  std::vector<std::string> asked;
  std::vector<std::string> addresses{"10.0.0.1"};
};

struct NamesBench {
  NamesBench() : names([r = resolver](const auto& name) { return (*r)(name); }, clock, [] {}) {}
  ~NamesBench() { resolver->release(); }

  [[nodiscard]] std::optional<std::string> address(const std::string& name) const {
    const auto known = names.known();
    const auto it = known.find(name);
    return it == known.end() ? std::nullopt : std::optional(it->second);
  }
  // Looks all of them up, and waits for the answers.
  void look(const std::vector<std::string>& wanted) {
    const auto before = resolver->count();
    names.want(wanted);
    names.look();
    REQUIRE(eventually([&] { return resolver->count() == before + wanted.size(); }));
    REQUIRE(eventually([&] { return names.is_idle(); }));
  }

  ManualClock clock{1'000'000};
  const std::shared_ptr<Resolver> resolver = std::make_shared<Resolver>();  // outlives look-ups
  Names names;
};

TEST_CASE("Names that nobody answers for hold up no others", "[dispatcher]") {
  NamesBench bench;
  std::vector<std::string> wanted;
  for (std::size_t i = 0; i + 1 < Names::kAtOnce; ++i) {
    wanted.push_back("dead" + std::to_string(i));
    bench.resolver->hold(wanted.back());
  }
  for (int i = 0; i < 50; ++i) wanted.push_back("fine" + std::to_string(i));
  bench.names.want(wanted);
  bench.names.look();
  CHECK(eventually([&] { return bench.names.known().size() == 50; }));
  CHECK(bench.address("fine49") == "10.0.0.1");
  CHECK(bench.address("dead0") == std::nullopt);
}

TEST_CASE("Names that nobody knew are looked up last", "[dispatcher]") {
  NamesBench bench;
  std::vector<std::string> dead{"zknown"};
  for (int i = 0; i < 30; ++i) dead.push_back("dead" + std::to_string(i));
  bench.look(dead);
  CHECK(bench.address("dead0") == "");
  for (const auto& name : dead) {
    if (name != "zknown") bench.resolver->hold(name);
  }
  bench.clock.advance(Names::kAgainMs);
  bench.resolver->addresses = {"10.0.0.2"};
  auto all = dead;
  all.emplace_back("znew");
  bench.names.want(all);
  bench.names.look();
  CHECK(eventually([&] { return bench.address("znew") == "10.0.0.2"; }));
  CHECK(eventually([&] { return bench.address("zknown") == "10.0.0.2"; }));
  CHECK(bench.resolver->count() <= 31 + 2 + Names::kAtOnce);  // no more at once
}

TEST_CASE("A name keeps its address while it has it among others", "[dispatcher]") {
  NamesBench bench;
  const auto again = [&](const std::vector<std::string>& addresses) {
    bench.resolver->addresses = addresses;
    bench.clock.advance(Names::kAgainMs);
    bench.look({"a"});
    return bench.address("a");
  };
  CHECK(again({"10.0.0.1", "10.0.0.2"}) == "10.0.0.1");
  const auto version = bench.names.version();
  CHECK(again({"10.0.0.2", "10.0.0.1"}) == "10.0.0.1");
  CHECK(again({}) == "10.0.0.1");
  CHECK(again({"fe80::1%eth0"}) == "10.0.0.1");
  CHECK(bench.names.version() == version);
  CHECK(again({"fe80::2%eth0", "10.0.0.2", "10.0.0.3"}) == "10.0.0.2");
  CHECK(bench.names.version() == version + 1);
}

TEST_CASE("A name with link-local addresses alone has none", "[dispatcher]") {
  NamesBench bench;
  bench.resolver->addresses = {"fe80::1%eth0", "0.0.0.0"};
  bench.look({"a"});
  CHECK(bench.address("a") == "");
}

TEST_CASE("Names that are not used are forgotten, and not asked for too early", "[dispatcher]") {
  NamesBench bench;
  bench.look({"a", "b"});
  bench.names.want({"b"});
  CHECK(bench.address("a") == std::nullopt);
  bench.clock.advance(Names::kAgainMs - 1);
  bench.names.look();
  CHECK(bench.names.is_idle());
  CHECK(bench.resolver->count() == 2);
}

}  // namespace
}  // namespace mx2::dispatcher
