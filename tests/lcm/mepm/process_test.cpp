// λ that are real processes: they serve, they are brought back, they leave nothing.
#include <sys/types.h>

#include <csignal>
#include <filesystem>

#include "api/mec/codec_app_lcm.h"
#include "tests/catch.h"
#include "tests/lcm/mepm/platform.h"

namespace mx2::mepm::test {
namespace {

using mx2::test::ContainsSubstring;

void check_nothing_left(Platform& platform, const std::string& id) {
  CHECK(platform.until([&] { return platform.processes(id) == 0 && !platform.has_directory(id); }));
  const auto info = platform.instance(id);
  CHECK_FALSE(info.instantiated);
  CHECK(info.ip_addresses.empty());
  CHECK(platform.ask("DELETE", kLcm + "/app_instances/" + id).status == 204);
}

// The process of an instance that has but one.
pid_t pid_of(const std::string& id) {
  process::Membership of;
  of.instance_id = id;
  const auto all = process::members(of);
  REQUIRE(all.size() == 1);
  return all.front().pid;
}

TEST_CASE("An instance serves until it is terminated, and leaves nothing", "[mepm-process]") {
  Platform platform;
  platform.packages.add("plain", "serve");
  const auto id = platform.create("plain");
  CHECK(platform.instance(id).status.phase == InstancePhase::kAbsent);
  const auto operation = platform.instantiate(id);
  CAPTURE(operation.error_detail);
  REQUIRE(operation.state == OperationState::kCompleted);
  const auto info = platform.instance(id);
  CHECK(info.instantiated);
  CHECK(info.operational_state == OperationalState::kStarted);
  CHECK(info.status.phase == InstancePhase::kAllocated);
  CHECK(info.status.fetch_ms.has_value());
  CHECK(info.status.ready_ms.has_value());
  CHECK(platform.call(info) == "hello from " + id);
  CHECK(platform.processes(id) == 1);
  CHECK(platform.terminate(id).state == OperationState::kCompleted);
  CHECK(platform.instance(id).status.phase == InstancePhase::kDeallocated);
  check_nothing_left(platform, id);
}

TEST_CASE("An instance that is killed serves again on the same port", "[mepm-process]") {
  Platform platform;
  platform.packages.add("plain", "serve");
  const auto id = platform.create("plain");
  REQUIRE(platform.instantiate(id).state == OperationState::kCompleted);
  const auto before = platform.instance(id);
  const auto began = std::chrono::steady_clock::now();
  REQUIRE(::kill(pid_of(id), SIGKILL) == 0);
  REQUIRE(platform.until([&] {
    const auto now = platform.instance(id);
    return now.status.restarts == 1 && now.operational_state == OperationalState::kStarted;
  }));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  CHECK(took.count() < 2000);
  const auto after = platform.instance(id);
  CHECK(after.ip_addresses.front().port == before.ip_addresses.front().port);
  CHECK(platform.call(after) == "hello from " + id);
  CHECK_THAT(after.status.last_error, ContainsSubstring("SIGKILL"));
  CHECK(platform.terminate(id, false).state == OperationState::kCompleted);
  check_nothing_left(platform, id);
}

TEST_CASE("Trusted apps are told of the operator API and get the token, others do not",
          "[mepm-process]") {
  Platform platform([](MepmOptions& options) {
    auto& around = options.process.surroundings;
    around.host_id = "edge-1";
    around.orchestrator_url = "http://127.0.0.1:1";
    around.orchestrator_token = "secret";
    around.trusted_apps = {"trusted"};
  });
  const auto told = [&](const std::string& app) {
    platform.packages.add(app, "serve");
    const auto id = platform.create(app);
    REQUIRE(platform.instantiate(id).state == OperationState::kCompleted);
    return std::pair(id, platform.call(platform.instance(id), "/surroundings"));
  };
  const auto [plain, nothing] = told("plain");
  CHECK(nothing == "edge-1\n-\n-\n");
  CHECK(platform.terminate(plain).state == OperationState::kCompleted);
  const auto [id, text] = told("trusted");
  const auto file = platform.directory_of(id) + "/token";
  CHECK(text == "edge-1\nhttp://127.0.0.1:1\n" + file + "\nsecret");
  CHECK(std::filesystem::status(file).permissions() == std::filesystem::perms::owner_read);
  REQUIRE(::kill(pid_of(id), SIGKILL) == 0);
  CHECK(platform.until([&] { return platform.instance(id).status.restarts == 1; }));
  CHECK(platform.until(
      [&] { return platform.call(platform.instance(id), "/surroundings") == text; }));
  CHECK(platform.terminate(id).state == OperationState::kCompleted);
  check_nothing_left(platform, id);
}

TEST_CASE("Stop and start keep the instance and its port", "[mepm-process]") {
  Platform platform;
  platform.packages.add("plain", "serve");
  const auto id = platform.create("plain");
  REQUIRE(platform.instantiate(id).state == OperationState::kCompleted);
  const auto before = platform.instance(id);
  const auto stop = codec::encode(OperateAppRequest{OperationalState::kStopped, true, 1});
  CHECK(platform.run(id, "operate", stop).state == OperationState::kCompleted);
  CHECK(platform.processes(id) == 0);
  CHECK(platform.instance(id).instantiated);
  CHECK(platform.instance(id).operational_state == OperationalState::kStopped);
  CHECK(platform.ask("POST", kLcm + "/app_instances/" + id + "/operate", stop).status == 409);
  platform.stop();
  platform.start();
  CHECK(platform.run(id, "operate", codec::encode(OperateAppRequest{})).state ==
        OperationState::kCompleted);
  CHECK(platform.instance(id).ip_addresses.front().port == before.ip_addresses.front().port);
  CHECK(platform.instance(id).status.restarts == 0);
  CHECK(platform.terminate(id).state == OperationState::kCompleted);
  check_nothing_left(platform, id);
}

TEST_CASE("The user of an instance that is stopped is nobody else's", "[mepm-process]") {
  if (!is_root()) {
    WARN("needs root");
    return;
  }
  Platform platform([](MepmOptions& options) { Manner{}.apply(options); });
  const auto id = platform.started("serve");
  const auto stop = codec::encode(OperateAppRequest{OperationalState::kStopped, true, 1});
  CHECK(platform.run(id, "operate", stop).state == OperationState::kCompleted);
  const auto user = platform.record(id)["user"];
  platform.stop();
  platform.start();
  const auto other = platform.started("serve");
  CHECK(platform.record(other)["user"] != user);
  platform.end(other);
  platform.end(id);
}

TEST_CASE("Failures are forgotten by who has been well since", "[mepm-process]") {
  Platform platform([](MepmOptions& options) {
    options.process.restarts_max = 1;
    options.process.well_ms = 0;
  });
  const auto id = platform.started("serve");
  for (int i = 1; i <= 3; ++i) {
    process::send_signal(platform.marked(id).at(0), SIGKILL);
    REQUIRE(platform.until([&] {
      const auto now = platform.instance(id);
      return now.status.restarts == i && now.operational_state == OperationalState::kStarted;
    }));
  }
  platform.end(id);
}

TEST_CASE("An instance with too many processes is ended, also where nothing limits them",
          "[mepm-process]") {
  Platform platform([](MepmOptions& options) {
    Manner{false, false}.apply(options);
    options.process.restarts_max = 0;
  });
  platform.packages.add("fork", "fork", {{"processesMax", 2}});  // three are in its session
  const auto id = platform.create("fork");
  (void)platform.instantiate(id);
  REQUIRE(platform.until([&] { return !platform.instance(id).instantiated; }));
  CHECK_THAT(platform.instance(id).status.last_error, ContainsSubstring("2 are allowed"));
  CHECK(platform.until([&] { return platform.processes(id) == 0; }));
}

TEST_CASE("An instance that says itself when it is ready is told of its end", "[mepm-process]") {
  Platform platform;
  platform.packages.add("confirm", "confirm");
  const auto id = platform.create("confirm");
  const auto operation = platform.instantiate(id);
  CAPTURE(operation.error_detail);
  REQUIRE(operation.state == OperationState::kCompleted);
  const auto list = platform.ask("GET", kSupport + "/applications/" + id + "/subscriptions");
  CHECK(list.body["_links"]["subscriptions"].size() == 1);
  const auto began = std::chrono::steady_clock::now();
  CHECK(platform.terminate(id).state == OperationState::kCompleted);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  CHECK(took.count() < 5);  // confirmed; else it would have been a minute
  check_nothing_left(platform, id);
}

TEST_CASE("λ that misbehave are contained and explained", "[mepm-process]") {
  struct Case {
    const char* mode;
    json::Value process;
    const char* cause;
    const char* explanation;
  };
  const std::vector<Case> cases = {
      {"exit", json::Value::object(), "exited",
       "exited with status 3; its last words: I do not feel like it"},
      {"never-ready", {{"readyTimeoutMs", 300}}, "not-ready", "not ready after 300 ms"},
      {"grow-file", {{"filesBytesMax", 1 << 20}}, "exited", "beyond filesBytesMax"},
      {"fork-bomb", {{"processesMax", 20}, {"readyTimeoutMs", 500}}, "", ""},
  };
  Platform platform;
  for (const auto& each : cases) {
    CAPTURE(each.mode);
    platform.packages.add(each.mode, each.mode, each.process);
    const auto id = platform.create(each.mode);
    const auto operation = platform.instantiate(id);
    CHECK(operation.state == OperationState::kFailed);
    if (*each.cause != '\0') CHECK(operation.error_cause == each.cause);
    CHECK_THAT(operation.error_detail, ContainsSubstring(each.explanation));
    CHECK(platform.instance(id).status.last_error == operation.error_detail);
    check_nothing_left(platform, id);
  }
}

TEST_CASE("Children of an instance end with it, whatever they do", "[mepm-process]") {
  const auto uid_first = GENERATE(std::int64_t{200000}, std::int64_t{0});  // 0: as not being root
  const bool grouped = GENERATE(true, false);
  Platform platform([&](MepmOptions& options) {
    options.process.place.uid_first = uid_first;
    options.process.place.control_groups = grouped;
  });
  platform.packages.add("fork", "fork");
  const auto id = platform.create("fork");
  REQUIRE(platform.instantiate(id).state == OperationState::kCompleted);
  CHECK(platform.until([&] { return platform.processes(id) == 6; }));
  CHECK(platform.terminate(id).state == OperationState::kCompleted);
  check_nothing_left(platform, id);
}

TEST_CASE("An instance that ignores SIGTERM is killed in time", "[mepm-process]") {
  Platform platform;
  platform.packages.add("stubborn", "stubborn");
  const auto id = platform.create("stubborn");
  REQUIRE(platform.instantiate(id).state == OperationState::kCompleted);
  const auto began = std::chrono::steady_clock::now();
  CHECK(platform.terminate(id).state == OperationState::kCompleted);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  CHECK(took.count() >= 290);
  CHECK(took.count() < 3000);
  check_nothing_left(platform, id);
}

TEST_CASE("An instance's output is bounded while it serves", "[mepm-process]") {
  Platform platform([](MepmOptions& options) { options.process.log_bytes_max = 100'000; });
  platform.packages.add("chatter", "chatter", {{"filesBytesMax", 1LL << 40}});
  const auto id = platform.create("chatter");
  REQUIRE(platform.instantiate(id).state == OperationState::kCompleted);
  const auto log = platform.directory_of(id) + "/log";
  CHECK(platform.until([&] { return std::filesystem::exists(log + ".1"); }));
  CHECK(std::filesystem::file_size(log + ".1") <= 50'000);
  CHECK_FALSE(platform.call(platform.instance(id)).empty());
  CHECK(platform.terminate(id, false).state == OperationState::kCompleted);
  check_nothing_left(platform, id);
}

TEST_CASE("An instance that uses too much memory, again and again, has failed", "[mepm-process]") {
  Platform platform([](MepmOptions& options) {
    options.process.restarts_max = 1;
    options.process.restart_backoff_ms = 10;
  });
  platform.packages.add("memory", "memory", json::Value::object(), 32);
  const auto id = platform.create("memory");
  REQUIRE(platform.instantiate(id).state == OperationState::kCompleted);
  REQUIRE(platform.until([&] { return !platform.instance(id).instantiated; }));
  CHECK_THAT(platform.instance(id).status.last_error,
             ContainsSubstring("2 times in a row") &&
                 (ContainsSubstring("32 are allowed") || ContainsSubstring("grew too fast")));
  check_nothing_left(platform, id);
}

TEST_CASE("An app's statistics are asked for", "[mepm-process]") {
  Platform platform;
  platform.packages.add("plain", "serve");
  const auto id = platform.create("plain");
  REQUIRE(platform.instantiate(id).state == OperationState::kCompleted);
  const auto metrics = platform.ask("GET", "/metrics");
  CHECK(metrics.status == 200);
  CHECK(platform.terminate(id, false).state == OperationState::kCompleted);
}

TEST_CASE("Instances outlive the MEPM, and the next one takes them over", "[mepm-process]") {
  Platform platform;
  platform.packages.add("plain", "serve");
  const auto lives = platform.create("plain");
  const auto dies = platform.create("plain");
  REQUIRE(platform.instantiate(lives).state == OperationState::kCompleted);
  REQUIRE(platform.instantiate(dies).state == OperationState::kCompleted);
  const auto pid = pid_of(lives);
  const auto before = platform.instance(lives);
  platform.stop();
  CHECK(platform.call(before) == "hello from " + lives);
  REQUIRE(::kill(pid_of(dies), SIGKILL) == 0);
  platform.start();
  REQUIRE(platform.until([&] { return platform.instance(dies).status.restarts == 1; }));
  REQUIRE(platform.until(
      [&] { return platform.instance(dies).operational_state == OperationalState::kStarted; }));
  CHECK(pid_of(lives) == pid);
  CHECK(platform.instance(lives).status.restarts == 0);
  CHECK(platform.instance(lives).operational_state == OperationalState::kStarted);
  // It is watched, though it is not our child: killed, it comes back.
  REQUIRE(::kill(pid, SIGKILL) == 0);
  REQUIRE(platform.until([&] { return platform.instance(lives).status.restarts == 1; }));
  REQUIRE(platform.until([&] { return platform.call(before) == "hello from " + lives; }));
  // What nobody has a record of is ended.
  platform.stop();
  std::filesystem::remove(platform.directory.file("state/app_instances/" + lives + ".json"));
  platform.start();
  CHECK(platform.until([&] { return platform.processes(lives) == 0; }));
  CHECK(platform.until([&] { return !platform.has_directory(lives); }));
  CHECK(platform.terminate(dies).state == OperationState::kCompleted);
  check_nothing_left(platform, dies);
}

TEST_CASE("Packages that are not what they should be are refused", "[mepm-process]") {
  Platform platform;
  auto& packages = platform.packages;
  const auto refused = [&](const std::string& app, const std::string& cause) {
    CAPTURE(app);
    const auto id = platform.create(app);
    const auto operation = platform.instantiate(id);
    CHECK(operation.state == OperationState::kFailed);
    CHECK(operation.error_cause == cause);
    CHECK_FALSE(operation.error_detail.empty());
    check_nothing_left(platform, id);
  };
  packages.add_archive("escape", {{"../evil", "x"}});
  refused("escape", "path-traversal");
  packages.add_archive("bomb", {{"zeros", std::string(64U << 20U, '\0')}});
  refused("bomb", "too-large");
  packages.add_archive("bare", {{"readme", "x"}});
  refused("bare", "bad-descriptor");
  packages.add_archive("absurd", {{"appd.json", R"({"appDId":7})"}});
  refused("absurd", "bad-descriptor");
  packages.add_archive(
      "hollow",
      {{"appd.json", json::dump(descriptor("hollow", "serve", json::Value::object(), 64))}});
  refused("hollow", "no-executable");
  packages.add("other", "serve");
  packages.infos["other"].digest = std::string(64, 'a');
  refused("other", "wrong-digest");
  packages.add_archive(
      "liar", {{"appd.json", json::dump(descriptor("else", "serve", json::Value::object(), 64))},
               {"bin/lambda", "x", 0755}});
  refused("liar", "wrong-package");
  CHECK(std::filesystem::is_empty(platform.options.packages.directory) == false);  // liar's
}

TEST_CASE("A package is fetched once for all who need it, and tried again", "[mepm-process]") {
  Platform platform;
  platform.packages.add("plain", "serve");
  const auto a = platform.create("plain");
  const auto b = platform.create("plain");
  platform.packages.down = true;
  const auto failed = platform.instantiate(a);
  CHECK(failed.state == OperationState::kFailedTemp);
  CHECK(platform.packages.fetches == 1);
  platform.packages.down = false;
  CHECK(platform.ask("POST", kLcm + "/app_lcm_op_occs/" + failed.id + "/retry").status == 202);
  CHECK(platform.instantiate(b).state == OperationState::kCompleted);
  CHECK(platform.until([&] { return platform.instance(a).instantiated; }));
  CHECK(platform.packages.fetches == 2);
  CHECK(platform.terminate(a, false).state == OperationState::kCompleted);
  CHECK(platform.terminate(b, false).state == OperationState::kCompleted);
}

}  // namespace
}  // namespace mx2::mepm::test
