// Hosts north and south, that serve areas, and contexts that ask for some.
#pragma once

#include <thread>
#include <utility>
#include <vector>

#include "tests/support/program.h"

namespace mx2::test {

inline constexpr const char* kNorthInstance = "http://north.example/a";
inline constexpr const char* kSouthInstance = "http://south.example/a";

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
                  put_host(program.running->core, host, {}, std::move(answer));
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
      create_app_context(program.running->contexts, request, Caller{}, false, std::move(answer));
    });
    REQUIRE(made.ok());
    return made->context_id;
  }
  void update(const std::string& id, const AppContext& request) {
    REQUIRE(program
                .wait<std::uint64_t>([&](auto answer) {
                  update_app_context(program.running->contexts, id, request, Caller{}, std::nullopt,
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
  std::pair<std::string, json::Value> owed(const std::string& id,
                                           notifier::Topic topic = notifier::Topic::kInstances) {
    const auto entry = program.running->store.notification(id, topic).value();
    if (!entry) return {};
    return {entry->type, json::parse(entry->body).value()};
  }
  // West and south of the areas that are offered to it.
  std::vector<std::pair<double, double>> offered(const std::string& id) {
    const auto [type, body] = owed(id, notifier::Topic::kLocations);
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
    REQUIRE(apply(program.running->store, [&](StoreTransaction&) -> Result<void> {
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
               [](TableChange&&) -> Result<void> { return {}; }, [](const ContextRecord&) {}})
        .value()
        .relocating;
  }
};

}  // namespace mx2::test
