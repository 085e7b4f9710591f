// How contexts follow: a little at a time, polygons elsewhere, and each item for itself.
#include <dlfcn.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <utility>

#include "tests/support/program.h"

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

using notifier::Topic;
using test::in_area;
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
class AreaCity {
 public:
  AreaCity() { set_area("north", square(0, 0, 10)); }

  void set_area(const std::string& id, const Polygon& area) {
    auto changed = host(id);
    changed.service_area = {in_area(area)};
    put(changed);
  }
  Host host(const std::string& id) { return program.running->model.unlocked().host(id)->host; }
  void put(const Host& host) {
    REQUIRE(program
                .wait<Changed>([&](auto answer) {
                  put_host(program.running->service, host, {}, std::move(answer));
                })
                .ok());
  }
  static AppContext request(const std::vector<std::optional<Polygon>>& areas) {
    AppContext request;
    request.associate_dev_app_id = "ue-1";
    request.app_info.app_name = "alpha";
    request.app_info.app_provider = "Example";
    request.app_info.app_d_version = "1.0";
    request.callback_reference = "http://ue.example/";
    for (const auto& area : areas) {
      auto& item = request.app_info.user_app_instance_info.emplace_back();
      if (area) item.app_location = in_area(*area);
    }
    return request;
  }
  std::string create(const AppContext& request) {
    const auto made = program.wait<StoredContext>([&](auto answer) {
      create_app_context(program.running->service, request, Caller{}, false, std::move(answer));
    });
    REQUIRE(made.ok());
    return made->context_id;
  }
  void update(const std::string& id, const AppContext& request) {
    REQUIRE(program
                .wait<std::uint64_t>([&](auto answer) {
                  update_app_context(program.running->service, id, request, Caller{}, std::nullopt,
                                     std::move(answer));
                })
                .ok());
  }
  // When nothing lags behind any more.
  void rest() {
    for (int i = 0; i < 5000; ++i) {
      if (!is_relocating()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    FAIL("contexts still lag behind");
  }
  std::vector<std::string> addresses(const std::string& id) {
    std::vector<std::string> addresses;
    const auto context = codec::decode_app_context(program.record(id).document).value();
    for (const auto& item : context.app_info.user_app_instance_info) {
      addresses.push_back(item.reference_uri);
    }
    return addresses;
  }
  // The type of what the context is owed, and the whole of it.
  std::pair<std::string, json::Value> owed(const std::string& id, Topic topic = Topic::kInstances) {
    const auto entry = program.running->store.notification(id, topic).value();
    if (!entry) return {};
    return {entry->type, json::parse(entry->body).value()};
  }
  // West and south of the areas that are offered to it.
  std::vector<std::pair<double, double>> offered(const std::string& id) {
    const auto [type, body] = owed(id, Topic::kLocations);
    std::vector<std::pair<double, double>> corners;
    if (type.empty()) return corners;
    CHECK(type == "ApplicationLocationAvailabilityNotification");
    for (const auto& item : body["availableLocations"]) {
      const auto& corner = item["appLocation"]["area"]["coordinates"][0][0];
      corners.emplace_back(corner[0].get<double>(), corner[1].get<double>());
    }
    return corners;
  }
  void move_all_to(const std::string& host) {
    REQUIRE(program.rewrite({sample_row("*", "a", {"host:" + host})}).ok());
    rest();
  }
  std::thread::id writer() {
    std::thread::id id;
    REQUIRE(test::apply(program.running->store, [&](StoreTransaction&) -> Result<void> {
              id = std::this_thread::get_id();
              return {};
            }).ok());
    return id;
  }

  Program program{0};

 private:
  bool is_relocating() {
    return program.running->store
        .load({[](App&&) -> Result<void> { return {}; }, [](Host&&) -> Result<void> { return {}; },
               [](TableChange&&) -> Result<void> { return {}; },
               [](const ContextOwner&, const std::string&, const std::string&, const std::string&) {
               }})
        .value()
        .relocating;
  }
};

const char* const kNorth = "http://north.example/a";
const char* const kSouth = "http://south.example/a";

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
  CHECK(city.addresses(id) == std::vector<std::string>{kNorth});
  CHECK(elsewhere());
  city.set_area("south", square(20, 20, 10));
  city.rest();
  CHECK(elsewhere());
  city.update(id, city.request({square(21, 21, 1)}));
  CHECK(city.addresses(id) == std::vector<std::string>{kSouth});
  CHECK(elsewhere());
  // South serves another place, north serves its place: the context follows.
  city.set_area("north", square(0, 0, 40));
  city.rest();
  city.set_area("south", square(50, 50, 1));
  city.rest();
  CHECK(city.addresses(id) == std::vector<std::string>{kNorth});
  CHECK(elsewhere());
  CHECK(city.owed(id).second["referenceURI"] == kNorth);
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
  create_app_context(city.program.running->service, city.request({square(1, 1, 1)}), Caller{},
                     false, Callback<Result<StoredContext>>([&](Result<StoredContext> outcome) {
                       made.set_value(std::move(outcome));
                     }));
  decided.set_value();
  CHECK(made.get_future().get()->reference_uri == kNorth);
  // A host that changes keeps what was made ready of its area.
  REQUIRE(city.program
              .wait<Changed>([&](auto answer) {
                set_host_state(city.program.running->service, "north", HostState::kCordoned, {},
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
  for (const auto& id : ids) CHECK(city.addresses(id) == std::vector<std::string>{kSouth});
  // A stop in the middle is made good by the next start.
  REQUIRE(city.program.rewrite({sample_row("*", "a", {"host:north"})}).ok());
  city.program.running->relocation.stop();
  city.program.stop();
  city.program.start();
  city.rest();
  for (const auto& id : ids) CHECK(city.addresses(id) == std::vector<std::string>{kNorth});
}

TEST_CASE("relocation: an item that waits for its location does not stop the others",
          "[relocation][location]") {
  AreaCity city;
  const bool waits_first = GENERATE(true, false);
  const auto far = square(100, 50, 1);
  auto request =
      waits_first ? city.request({far, std::nullopt}) : city.request({std::nullopt, far});
  request.app_location_updates = true;
  const auto id = city.create(request);
  const auto expected = [&](const char* uri) {
    return waits_first ? std::vector<std::string>{"", uri} : std::vector<std::string>{uri, ""};
  };
  CHECK(city.addresses(id) == expected(kNorth));
  city.move_all_to("south");
  CHECK(city.addresses(id) == expected(kSouth));
  CHECK(city.owed(id).first == "ApplicationContextUpdateNotification");
  // Its location becomes available: it is offered, not taken.
  city.set_area("south", far);
  city.rest();
  CHECK(city.addresses(id) == expected(kSouth));
  CHECK(city.owed(id).first == "ApplicationContextUpdateNotification");
  CHECK(city.offered(id).size() == 1);
  city.update(id, request);
  CHECK(city.addresses(id) == std::vector<std::string>{kSouth, kSouth});
}

TEST_CASE("relocation: each item that waits is told of its own location, once",
          "[relocation][location]") {
  AreaCity city;
  const auto east = square(100, 50, 1);
  const auto west = square(-100, 50, 1);
  auto request = city.request({east, west});
  request.app_location_updates = true;
  const auto id = city.create(request);
  using Corners = std::vector<std::pair<double, double>>;
  city.set_area("north", east);
  city.rest();
  CHECK(city.offered(id) == Corners{{100, 50}});
  const auto revision = city.program.record(id).revision;
  city.move_all_to("south");
  CHECK(city.program.record(id).revision == revision);
  city.set_area("south", west);
  city.rest();
  // The first one is not delivered yet: the second does not take its place.
  CHECK(city.offered(id) == Corners{{100, 50}, {-100, 50}});
  CHECK(city.program.record(id).revision == revision + 1);
  // One is asked for, the other waits on.
  auto asked = city.request({east});
  city.update(id, asked);
  CHECK(city.addresses(id) == std::vector<std::string>{kNorth, ""});
  CHECK(city.offered(id) == Corners{{-100, 50}});
  CHECK(city.owed(id).first == "ApplicationContextUpdateNotification");
  city.program.stop();
  city.program.start();
  city.move_all_to("south");
  CHECK(city.addresses(id) == std::vector<std::string>{kNorth, ""});
}

TEST_CASE("relocation: an offer and a move of one change are both told", "[relocation][location]") {
  AreaCity city;
  const auto far = square(100, 50, 1);
  auto south = city.host("south");
  const auto instances = std::exchange(south.instances, {});
  city.put(south);
  REQUIRE(city.program.rewrite({sample_row("*", "a", {"host:south", "host:north"})}).ok());
  auto request = city.request({std::nullopt, far});
  request.app_location_updates = true;
  const auto id = city.create(request);
  REQUIRE(city.addresses(id) == std::vector<std::string>{kNorth, ""});
  const auto revision = city.program.record(id).revision;
  south.instances = instances;
  south.service_area = {in_area(far)};
  city.put(south);
  city.rest();
  CHECK(city.addresses(id) == std::vector<std::string>{kSouth, ""});
  CHECK(city.program.record(id).revision == revision + 1);
  CHECK(city.offered(id).size() == 1);
  const auto [type, body] = city.owed(id);
  CHECK(type == "ApplicationContextUpdateNotification");
  CHECK(body["userAppInstanceInfo"][0]["referenceURI"] == kSouth);
}

TEST_CASE("relocation: an offer that is not true any more is not told", "[relocation][location]") {
  AreaCity city;
  const auto east = square(100, 50, 1);
  const auto west = square(-100, 50, 1);
  auto request = city.request({east, west});
  request.app_location_updates = true;
  const auto id = city.create(request);
  city.set_area("north", east);
  city.set_area("south", west);
  city.rest();
  REQUIRE(city.offered(id).size() == 2);
  city.set_area("north", square(0, 0, 1));
  city.rest();
  using Corners = std::vector<std::pair<double, double>>;
  CHECK(city.offered(id) == Corners{{-100, 50}});
  city.set_area("south", square(0, 0, 1));
  city.rest();
  CHECK(city.offered(id).empty());
  CHECK(city.owed(id).first.empty());
}

TEST_CASE(
    "relocation: what is owed of both topics goes to a new callback and ends with the context",
    "[relocation][location]") {
  AreaCity city;
  const auto far = square(100, 50, 1);
  auto request = city.request({std::nullopt, far});
  request.app_location_updates = true;
  const auto id = city.create(request);
  city.set_area("south", far);
  city.rest();
  city.move_all_to("south");
  auto& store = city.program.running->store;
  REQUIRE(store.notifications(0, 10)->size() == 2);
  auto moved = city.request({});
  moved.callback_reference = "http://elsewhere.example/";
  moved.app_info.user_app_instance_info.resize(1);
  city.update(id, moved);
  const auto owed = store.notifications(0, 10).value();
  REQUIRE(owed.size() == 2);
  for (const auto& entry : owed) CHECK(entry.callback_reference == *moved.callback_reference);
  REQUIRE(city.program
              .wait<void>([&](auto answer) {
                end_app_context(city.program.running->service, id, std::move(answer));
              })
              .ok());
  const auto last = store.notifications(0, 10).value();
  REQUIRE(last.size() == 1);
  CHECK(last[0].type == "ApplicationContextDeleteNotification");
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
  for (int i = 0; i < 5000 && city.addresses(quick)[0] != kSouth; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(city.addresses(quick) == std::vector<std::string>{kSouth});
  geometry_threads().hold(false);
  city.rest();
  for (const auto& id : slow) CHECK(city.addresses(id) == std::vector<std::string>{kSouth});
}

TEST_CASE("fair queue: turns of owners, not of who has most", "[relocation]") {
  FairQueue queue;
  for (int i = 0; i < 3; ++i) queue.add("many", "m" + std::to_string(i));
  queue.add("few", "f0");
  CHECK(queue.first(2) == std::vector<std::string>{"m0", "f0"});
  queue.drop(1);
  queue.add("late", "l0");
  queue.add("late", "l1");
  CHECK(queue.first(10) == std::vector<std::string>{"f0", "l0", "m1", "l1", "m2"});
  queue.drop(10);
  CHECK(queue.empty());
  for (int i = 0; i < 1000; ++i) queue.add("owner " + std::to_string(i), std::to_string(i));
  queue.drop(999);
  queue.add("new", "n");
  CHECK(queue.first(10) == std::vector<std::string>{"999", "n"});
  CHECK(queue.size() == 2);
}

}  // namespace
}  // namespace mx2
