// MEPMs of a whole city in memory, with delays and failures as a test wants them. Time is the
// test's: it advances with each poll().
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lcm/driver.h"

namespace mx2::test {

class SimulatedDriver final : public lcm::LcmDriver {
 public:
  struct Knobs {
    int start_polls = 3;     // from instantiate to ready
    double start_fails = 0;  // share of starts that fail
    double call_fails = 0;   // share of calls that are carried out, or not, and answered
                             // with an error
    std::uint32_t seed = 1;
  };
  struct Mepm {
    std::map<std::string, lcm::Instance> instances;
    bool answers = true;
    std::set<std::string> dead;  // apps whose operations go on for ever
    bool cancels = true;         // false: and are not to be cancelled
    bool knows_operations = true;
    bool forgets = false;  // true: instances that it has created
  };

  explicit SimulatedDriver(const Knobs& knobs) : knobs_(knobs), random_(knobs.seed) {}
  SimulatedDriver() : SimulatedDriver(Knobs{}) {}

  std::map<std::string, Mepm> mepms;  // by apiRoot
  Knobs& knobs() { return knobs_; }
  int calls = 0;
  int creates = 0;
  int cancelled = 0;
  int failed = 0;

  [[nodiscard]] std::size_t started() const {
    std::size_t count = 0;
    for (const auto& [uri, mepm] : mepms) {
      for (const auto& [id, instance] : mepm.instances) count += instance.started ? 1 : 0;
    }
    return count;
  }
  [[nodiscard]] std::size_t all() const {
    std::size_t count = 0;
    for (const auto& [uri, mepm] : mepms) count += mepm.instances.size();
    return count;
  }

  void list(const std::string& mepm, Callback<Result<std::vector<lcm::Instance>>> answer) override {
    call<std::vector<lcm::Instance>>(mepm, std::move(answer), [](Mepm& at) {
      if (at.forgets) at.instances.clear();
      std::vector<lcm::Instance> all;
      for (const auto& [id, instance] : at.instances) all.push_back(instance);
      return Result<std::vector<lcm::Instance>>(std::move(all));
    });
  }

  void create(const std::string& mepm, const std::string& app_d_id, const std::string& key,
              Callback<Result<lcm::Instance>> answer) override {
    ++creates;
    call<lcm::Instance>(mepm, std::move(answer), [=, this](Mepm& at) -> Result<lcm::Instance> {
      for (const auto& [id, known] : at.instances) {
        if (known.key == key) return known;
      }
      lcm::Instance instance;
      instance.id = "i" + std::to_string(++last_id_);
      instance.key = key;
      instance.app_d_id = app_d_id;
      return at.instances[instance.id] = instance;
    });
  }

  void instantiate(const std::string& mepm, const std::string& id, const std::string& /*host*/,
                   Callback<Result<std::string>> answer) override {
    call<std::string>(mepm, std::move(answer), [=, this](Mepm& at) -> Result<std::string> {
      const auto it = at.instances.find(id);
      if (it == at.instances.end()) return not_found("no instance");
      if (it->second.instantiated || running(id)) return conflict("it is instantiated");
      return begin(mepm, id, "start");
    });
  }

  void terminate(const std::string& mepm, const std::string& id, int /*grace_s*/,
                 Callback<Result<std::string>> answer) override {
    call<std::string>(mepm, std::move(answer), [=, this](Mepm& at) -> Result<std::string> {
      const auto it = at.instances.find(id);
      if (it == at.instances.end()) return not_found("no instance");
      if (!it->second.instantiated || running(id)) return conflict("it is not instantiated");
      it->second.started = false;
      return begin(mepm, id, "end");
    });
  }

  void operation(const std::string& mepm, const std::string& id,
                 Callback<Result<lcm::Operation>> answer) override {
    call<lcm::Operation>(mepm, std::move(answer), [=, this](Mepm& at) -> Result<lcm::Operation> {
      const auto it = operations_.find(id);
      if (it == operations_.end() || !at.knows_operations) return not_found("no operation");
      return lcm::Operation{it->second.state, it->second.error, it->second.temporary};
    });
  }

  void cancel(const std::string& mepm, const std::string& id,
              Callback<Result<void>> answer) override {
    ++cancelled;
    call<void>(mepm, std::move(answer), [=, this](Mepm& at) -> Result<void> {
      const auto it = operations_.find(id);
      if (it == operations_.end()) return not_found("no operation");
      if (!at.cancels) return conflict("it is too late");
      it->second.state = lcm::Operation::State::kFailed;
      it->second.temporary = true;
      return {};
    });
  }

  void fail(const std::string& mepm, const std::string& id,
            Callback<Result<void>> answer) override {
    ++failed;
    call<void>(mepm, std::move(answer), [=, this](Mepm& at) -> Result<void> {
      const auto it = operations_.find(id);
      if (it == operations_.end()) return not_found("no operation");
      if (!it->second.temporary && !at.cancels) return conflict("it is going on");
      it->second.state = lcm::Operation::State::kFailed;
      it->second.temporary = false;
      return {};
    });
  }

  void remove(const std::string& mepm, const std::string& id,
              Callback<Result<void>> answer) override {
    call<void>(mepm, std::move(answer), [=, this](Mepm& at) -> Result<void> {
      const auto it = at.instances.find(id);
      if (it == at.instances.end()) return not_found("no instance");
      if (it->second.instantiated || running(id)) return conflict("it is instantiated");
      at.instances.erase(it);
      return {};
    });
  }

  // Carries out what was called, and lets operations go on.
  void poll(int /*timeout_ms*/) override {
    for (auto& [id, operation] : operations_) {
      if (operation.state == lcm::Operation::State::kRunning && !is_dead(operation) &&
          --operation.polls_left <= 0) {
        finish(operation);
      }
    }
    for (auto& work : std::exchange(queue_, {})) work();
  }
  void wake() override {}

 private:
  struct Running {
    std::string mepm;
    std::string instance;
    std::string kind;
    int polls_left = 0;
    lcm::Operation::State state = lcm::Operation::State::kRunning;
    std::string error;
    bool temporary = false;
  };

  [[nodiscard]] bool chance(double share) {
    return std::uniform_real_distribution<>(0, 1)(random_) < share;
  }

  template <typename T, typename F>
  void call(const std::string& mepm, Callback<Result<T>> answer, F action) {
    ++calls;
    auto shared = std::make_shared<Callback<Result<T>>>(std::move(answer));
    queue_.emplace_back([this, mepm, shared, action]() mutable {
      auto& at = mepms[mepm];
      if (!at.answers) return (*shared)(unavailable("does not answer"));
      if (!chance(knobs_.call_fails)) return (*shared)(action(at));
      if (chance(0.5)) (void)action(at).ok();
      (*shared)(unavailable("the connection broke"));
    });
  }

  [[nodiscard]] bool running(const std::string& instance) const {
    return std::any_of(operations_.begin(), operations_.end(), [&](const auto& item) {
      return item.second.instance == instance &&
             (item.second.state == lcm::Operation::State::kRunning || item.second.temporary);
    });
  }

  [[nodiscard]] bool is_dead(const Running& operation) {
    auto& at = mepms[operation.mepm];
    const auto it = at.instances.find(operation.instance);
    return it != at.instances.end() && at.dead.contains(it->second.app_d_id);
  }

  std::string begin(const std::string& mepm, const std::string& instance, const char* kind) {
    auto id = "o" + std::to_string(++last_id_);
    operations_[id] = {mepm, instance, kind, knobs_.start_polls, {}, {}, false};
    return id;
  }

  void finish(Running& operation) {
    operation.state = lcm::Operation::State::kCompleted;
    auto& instance = mepms[operation.mepm].instances[operation.instance];
    if (operation.kind == "end") {
      instance.instantiated = instance.started = false;
      return;
    }
    if (chance(knobs_.start_fails)) {
      operation.state = lcm::Operation::State::kFailed;
      operation.error = instance.last_error = "it exits at once";
      return;
    }
    instance.instantiated = instance.started = true;
    instance.reference_uri = operation.mepm + "/" + instance.id;
  }

  Knobs knobs_;
  std::mt19937 random_;
  int last_id_ = 0;
  std::map<std::string, Running> operations_;
  std::deque<std::function<void()>> queue_;
};

}  // namespace mx2::test
