// How contexts follow: a little at a time, polygons elsewhere, and each item for itself.
#include <dlfcn.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <utility>

#include "tests/support/area_city.h"

namespace {

// Threads that made polygons ready or compared them.
struct GeometryThreads {
  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::thread::id> ids;
  bool is_held = false;
  void add() {
    std::unique_lock guard(mutex);
    ids.insert(std::this_thread::get_id());
    changed.wait(guard, [this] { return !is_held; });
  }
  // From now on whoever makes one ready or compares some waits.
  void hold(bool held) {
    const std::lock_guard guard(mutex);
    is_held = held;
    changed.notify_all();
  }
  std::set<std::thread::id> take() {
    const std::lock_guard guard(mutex);
    return std::exchange(ids, {});
  }
};

GeometryThreads& geometry_threads() {
  static GeometryThreads threads;
  return threads;
}

template <typename F>
F* next_function(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

// In place of GEOS's own, for whoever is linked into this program.
extern "C" char GEOSisValid_r(void* handle, const void* geometry) {
  geometry_threads().add();
  static auto* const real = next_function<char(void*, const void*)>("GEOSisValid_r");
  return real(handle, geometry);
}
extern "C" char GEOSPreparedIntersects_r(void* handle, const void* a, const void* b) {
  geometry_threads().add();
  static auto* const real =
      next_function<char(void*, const void*, const void*)>("GEOSPreparedIntersects_r");
  return real(handle, a, b);
}

namespace mx2 {
namespace {

using test::AreaCity;
using test::in_area;
using test::kNorthInstance;
using test::kSouthInstance;
using test::Program;
using test::sample_row;
using test::square;

constexpr int kMany = 40;

TEST_CASE("relocation: the clock is looked at after each context", "[relocation]") {
  const auto* row = GENERATE("dev:ue-x", "*");
  Program program(0);
  for (int i = 0; i < kMany; ++i) program.create("ue-x");
  auto& store = program.running->store;
  store.hurry();
  const auto before = store.background_units();
  REQUIRE(program.rewrite({sample_row(row, "a", {"host:south"})}).ok());
  REQUIRE(program.settles());
  CHECK(store.background_units() - before >= kMany);
}

// A program whose hosts have areas, and contexts that ask for some.
TEST_CASE("relocation: polygons are made ready and compared, but not by the store writer",
          "[relocation][location]") {
  AreaCity city;
  const auto writer = city.writer();
  const auto elsewhere = [&] {
    const auto threads = geometry_threads().take();
    CHECK_FALSE(threads.contains(writer));
    return !threads.empty();
  };
  geometry_threads().take();
  const auto id = city.create(city.request({square(1, 1, 1)}));
  CHECK(city.addresses(id) == std::vector<std::string>{kNorthInstance});
  CHECK(elsewhere());
  city.set_area("south", square(20, 20, 10));
  city.rest();
  CHECK(elsewhere());
  city.update(id, city.request({square(21, 21, 1)}));
  CHECK(city.addresses(id) == std::vector<std::string>{kSouthInstance});
  CHECK(elsewhere());
  // South serves another place, north serves its place: the context follows.
  city.set_area("north", square(0, 0, 40));
  city.rest();
  city.set_area("south", square(50, 50, 1));
  city.rest();
  CHECK(city.addresses(id) == std::vector<std::string>{kNorthInstance});
  CHECK(elsewhere());
  CHECK(city.owed(id).second["referenceURI"] == kNorthInstance);
}

TEST_CASE("relocation: what is decided again by the store writer has been compared before",
          "[relocation][location]") {
  AreaCity city;
  const auto writer = city.writer();
  geometry_threads().take();
  // The model changes between the decision and the store.
  std::promise<void> begun;
  std::promise<void> decided;
  city.program.running->store.submit(std::make_unique<test::LambdaUnit>(
      [&](StoreTransaction&) -> Result<void> {
        begun.set_value();
        decided.get_future().wait();
        return {};
      },
      [&](const Result<void>&) { city.program.running->model.write([](Model&) {}); }));
  begun.get_future().wait();
  std::promise<Result<StoredContext>> made;
  create_app_context(city.program.running->contexts, city.request({square(1, 1, 1)}), Caller{},
                     false, Callback<Result<StoredContext>>([&](Result<StoredContext> outcome) {
                       made.set_value(std::move(outcome));
                     }));
  decided.set_value();
  CHECK(made.get_future().get()->reference_uri == kNorthInstance);
  // A host that changes keeps what was made ready of its area.
  REQUIRE(city.program
              .wait<Changed>([&](auto answer) {
                set_host_state(city.program.running->core, "north", HostState::kCordoned, {},
                               std::move(answer));
              })
              .ok());
  city.rest();
  CHECK_FALSE(geometry_threads().take().contains(writer));
}

TEST_CASE("relocation: more contexts that ask for areas than are worked out at once all follow",
          "[relocation][location]") {
  AreaCity city;
  city.set_area("south", square(0, 0, 10));
  std::vector<std::string> ids;
  for (int i = 0; i < 200; ++i) ids.push_back(city.create(city.request({square(1, 1, 1)})));
  city.program.running->store.hurry();  // so that pieces end with some of them left
  city.move_all_to("south");
  for (const auto& id : ids) CHECK(city.addresses(id) == std::vector<std::string>{kSouthInstance});
  // A stop in the middle is made good by the next start.
  REQUIRE(city.program.rewrite({sample_row("*", "a", {"host:north"})}).ok());
  city.program.running->relocation.stop();
  city.program.stop();
  city.program.start();
  city.rest();
  for (const auto& id : ids) CHECK(city.addresses(id) == std::vector<std::string>{kNorthInstance});
}

// With the geometry held up, everybody behind a few dozen polygons stayed where they were.
TEST_CASE("relocation: contexts that ask for no area do not wait for those that do",
          "[relocation][location]") {
  AreaCity city;
  city.set_area("south", square(0, 0, 10));
  std::vector<std::string> slow;
  for (int i = 0; i < 100; ++i) slow.push_back(city.create(city.request({square(1, 1, 1)})));
  const auto quick = city.create(city.request({std::nullopt}));
  geometry_threads().hold(true);
  REQUIRE(city.program.rewrite({sample_row("*", "a", {"host:south"})}).ok());
  for (int i = 0; i < 5000 && city.addresses(quick)[0] != kSouthInstance; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(city.addresses(quick) == std::vector<std::string>{kSouthInstance});
  geometry_threads().hold(false);
  city.rest();
  for (const auto& id : slow) CHECK(city.addresses(id) == std::vector<std::string>{kSouthInstance});
}

}  // namespace
}  // namespace mx2
