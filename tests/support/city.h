// Life-cycle management with real store, model and contexts, and MEPMs in memory.
#pragma once

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "api/mx2/codec.h"
#include "orchestrator/lifecycle/lifecycle.h"
#include "tests/catch.h"
#include "tests/support/program.h"
#include "tests/support/simulated_driver.h"

namespace mx2::test {

inline constexpr int kStepMs = 50;

inline std::string mepm_of(const std::string& host) { return "http://" + host + ":8090"; }

// App "b" has a package and no rows; hosts m1 and m2 have MEPMs.
struct City {
  explicit City(const LifecycleOptions& with = {}) : program(0), options(with) {
    program.running->model.write([](Model& model) { model.use({"d", false}); });
    begin({});
    on_board("b", "beta");
    add_host("m1");
    add_host("m2");
    run(5);
  }
  // Life-cycle management, with MEPMs as they are.
  void begin(std::map<std::string, SimulatedDriver::Mepm> mepms) {
    auto& running = *program.running;
    auto made = std::make_unique<SimulatedDriver>();
    made->mepms = std::move(mepms);
    driver = made.get();
    lifecycle = std::make_unique<Lifecycle>(
        running.core, running.ledger, [this](const std::string&) { return load; }, std::move(made),
        options, program.files.registry);
    running.contexts.instantiation = lifecycle.get();
    running.relocation.use(*lifecycle);
  }
  void restart() {
    lifecycle->stop();
    begin(driver->mepms);
  }
  ~City() {
    lifecycle->stop();
    program.running->store.close();
  }

  void on_board(const std::string& id, const std::string& name,
                std::optional<Strategy> strategy = std::nullopt) {
    auto app = sample_app(id, name);
    app.strategy = strategy;
    REQUIRE(program
                .wait<Changed>([&](auto answer) {
                  put_app(program.running->core, app, {}, std::move(answer));
                })
                .ok());
    Package package;
    package.id = "package-of-" + id;
    package.app_d_id = id;
    package.state = OnboardingState::kOnboarded;
    package.enabled = true;
    program.running->model.write([&](Model& model) { model.put_package(package); });
  }
  void add_host(const std::string& id) {
    driver->mepms[mepm_of(id)];
    REQUIRE(program
                .wait<Changed>([&](auto answer) {
                  HostRegistration registration;
                  registration.id = id;
                  registration.mepm_uri = mepm_of(id);
                  register_host(
                      program.running->core, registration,
                      [](const HostRegistration&) { return Result<void>(); }, std::move(answer));
                })
                .ok());
  }
  void set_reachable(const std::string& id, bool reachable) {
    REQUIRE(program
                .wait<Changed>([&](auto answer) {
                  set_host_reachable(program.running->core, id, reachable, std::move(answer));
                })
                .ok());
  }

  void set_state(const std::string& id, HostState state) {
    REQUIRE(program
                .wait<Changed>([&](auto answer) {
                  set_host_state(program.running->core, id, state, {}, std::move(answer));
                })
                .ok());
  }

  // Rounds of the loop, each followed by what the store writer makes of it.
  void run(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      lifecycle->step(now, 0);
      now += std::chrono::milliseconds(kStepMs);
      program.running->clock.advance(kStepMs);
      settle();
    }
  }
  void settle() {
    std::promise<void> done;
    probe_store(program.running->store, [&](const Result<void>&) { done.set_value(); });
    done.get_future().wait();
  }

  AppContext request(const std::string& device) {
    auto body = minimal_context(device);
    body["appInfo"]["appName"] = "beta";
    body["callbackReference"] = "http://ue.example/" + device;
    return codec::decode_create_request(json::dump(body)).value();
  }
  // That comes on the store's writer.
  class Answer {
   public:
    void set(Result<StoredContext> result) {
      result_ = std::move(result);
      is_there_ = true;
    }
    [[nodiscard]] bool has_value() const { return is_there_; }
    const Result<StoredContext>& operator*() const { return *result_; }
    const Result<StoredContext>* operator->() const { return &*result_; }

   private:
    std::optional<Result<StoredContext>> result_;
    std::atomic<bool> is_there_ = false;
  };
  void begin(AppContext request, Answer& answer) {
    create_app_context(program.running->contexts, std::move(request), Caller{}, false,
                       [&](Result<StoredContext> result) { answer.set(std::move(result)); });
  }
  Result<StoredContext> create(AppContext request) {
    Answer answer;
    begin(std::move(request), answer);
    for (int i = 0; i < 1000 && !answer.has_value(); ++i) run(1);
    REQUIRE(answer.has_value());
    return *answer;
  }
  [[nodiscard]] std::size_t contexts() {
    std::size_t total = 0;
    REQUIRE(apply(program.running->store, [&](StoreTransaction&) -> Result<void> {
              total = program.running->ledger.total();
              return {};
            }).ok());
    return total;
  }
  [[nodiscard]] std::size_t started(const std::string& host) const {
    std::size_t count = 0;
    for (const auto& [id, i] : driver->mepms[mepm_of(host)].instances) count += i.started ? 1 : 0;
    return count;
  }

  Program program;
  const LifecycleOptions options;
  std::optional<HostLoad> load;  // what every host reports
  SimulatedDriver* driver = nullptr;
  std::unique_ptr<Lifecycle> lifecycle;
  Lifecycle::Time now = std::chrono::steady_clock::now();
};

}  // namespace mx2::test
