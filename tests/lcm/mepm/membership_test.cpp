// Who belongs to an instance, and who does not: with a user for each or without, with control
// groups or without. Nobody is signalled who is not the instance's, and nobody of it is left.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "api/mec/codec_app_lcm.h"
#include "lcm/mepm/process/spawn.h"
#include "tests/catch.h"
#include "tests/lcm/mepm/platform.h"
#include "tests/support/receiver.h"

namespace mx2::mepm::test {
namespace {

using mx2::test::ContainsSubstring;

bool runs(pid_t pid) { return process::start_time(pid).has_value(); }

// A child that the instance has left the number of.
pid_t child_of(Platform& platform, const std::string& id) {
  pid_t pid = 0;
  CHECK(platform.until([&] {
    std::ifstream(std::filesystem::path(platform.directory_of(id)) / "work" / "child") >> pid;
    return pid > 0 && runs(pid);
  }));
  return pid;
}

// Somebody else's process, with a session of its own.
class Stranger {
 public:
  Stranger() : pid_(::fork()) {
    if (pid_ != 0) return;
    ::setsid();
    for (;;) ::pause();
  }
  ~Stranger() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

void change_record(const std::string& directory, const json::Value& changes) {
  const auto path = directory + "/process.json";
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  auto record = json::parse(text).value();
  record.merge_patch(changes);
  std::ofstream(path) << json::dump(record);
}

// Orphans of the cases before count for their user until init has reaped them, whenever that is.
const json::Value kBesideZombies{{"processesMax", 512}};

TEST_CASE("A process that has an instance's number by chance is let alone", "[mepm-hygiene]") {
  const auto manner =
      GENERATE(Manner{true, true}, Manner{true, false}, Manner{false, true}, Manner{false, false});
  Platform platform([&](MepmOptions& options) { manner.apply(options); });
  const auto id = platform.started("serve");
  const auto directory = platform.directory_of(id);
  platform.stop();
  for (const auto& process : platform.marked(id)) process::send_signal(process, SIGKILL);
  REQUIRE(platform.until([&] { return platform.processes(id) == 0; }));
  const Stranger stranger;
  REQUIRE(platform.until([&] { return ::getsid(stranger.pid()) == stranger.pid(); }));
  const auto began = static_cast<std::int64_t>(process::start_time(stranger.pid()).value());
  SECTION("in the same life of the machine") {
    change_record(directory, {{"pid", stranger.pid()}, {"startTime", began + 1}});
  }
  SECTION("in another life of the machine") {
    change_record(directory, {{"pid", stranger.pid()}, {"startTime", began}, {"boot", "other"}});
  }
  SECTION("and the record does not say of which life it is") {
    change_record(directory, {{"pid", stranger.pid()}, {"startTime", began}, {"boot", nullptr}});
  }
  platform.start();
  CHECK(platform.until([&] {
    return platform.instance(id).status.restarts == 1 &&
           !platform.call(platform.instance(id)).empty();
  }));
  CHECK(runs(stranger.pid()));
  platform.end(id);
  CHECK(runs(stranger.pid()));
}

TEST_CASE("A record of an earlier version is of the process that carries its name",
          "[mepm-hygiene]") {
  Platform platform;
  const auto id = platform.started("serve");
  const auto pid = platform.marked(id).at(0).pid;
  platform.stop();
  change_record(platform.directory_of(id), {{"boot", nullptr}, {"address", nullptr}});
  platform.start();
  CHECK(platform.until(
      [&] { return platform.instance(id).operational_state == OperationalState::kStarted; }));
  CHECK(platform.marked(id).at(0).pid == pid);
  platform.end(id);
}

TEST_CASE("Children of a process that died unwatched end, also by an earlier version's record",
          "[mepm-hygiene]") {
  const auto manner =
      GENERATE(Manner{true, true}, Manner{true, false}, Manner{false, true}, Manner{false, false});
  const bool ready = GENERATE(true, false);
  CAPTURE(manner.users, manner.groups, ready);
  Platform platform([&](MepmOptions& options) { manner.apply(options); });
  const auto id = platform.started("fork", {{"processesMax", 64}});
  REQUIRE(platform.until([&] { return platform.processes(id) == 6; }));
  const auto left = platform.marked(id);
  const auto record = platform.record(id);
  platform.stop();
  ::kill(record["pid"].get<pid_t>(), SIGKILL);
  change_record(platform.directory_of(id), {{"boot", nullptr}, {"ready", ready}});
  platform.start();
  CHECK(platform.until([&] {
    return std::none_of(left.begin(), left.end(), [](const auto& process) {
      return process::start_time(process.pid) == process.start_time;
    });
  }));
  CHECK(platform.until([&] { return !platform.call(platform.instance(id)).empty(); }));
  CHECK(platform.instance(id).status.restarts == (ready ? 1 : 0));
  for (const auto* group : {"unifiedGroup", "memoryGroup", "pidsGroup"}) {
    CHECK_FALSE(std::filesystem::exists(record[group].get<std::string>()));
  }
  platform.end(id);
}

TEST_CASE("A child that somebody holds is reaped when it is let go", "[mepm-hygiene]") {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  const pid_t tracer = ::fork();
  if (tracer == 0) {
    if (::ptrace(PTRACE_SEIZE, child, nullptr, nullptr) != 0) ::_exit(1);
    for (;;) ::pause();
  }
  const auto is_traced = [&] {
    std::ifstream file("/proc/" + std::to_string(child) + "/status");
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    return text.find("TracerPid:\t" + std::to_string(tracer)) != std::string::npos;
  };
  if (!mx2::test::eventually([&] { return is_traced() || !runs(tracer); }) || !runs(tracer)) {
    WARN("nobody may be traced here");
  }
  end_child(open_pidfd(child), 0);
  ::kill(tracer, SIGKILL);
  ::waitpid(tracer, nullptr, 0);
  CHECK(mx2::test::eventually([&] { return ::kill(child, 0) != 0; }));
}

TEST_CASE("A child that has left its session and forgotten its name ends with the instance",
          "[mepm-hygiene]") {
  const auto manner = GENERATE(Manner{true, true}, Manner{true, false}, Manner{false, true});
  Platform platform([&](MepmOptions& options) { manner.apply(options); });
  const auto id = platform.started("daemon", kBesideZombies);
  const auto child = child_of(platform, id);
  if (platform.record(id)["unifiedGroup"] == "" && platform.record(id)["pidsGroup"] == "" &&
      !(manner.users && is_root())) {
    WARN("neither users nor control groups here");
    ::kill(child, SIGKILL);
  }
  platform.end(id);
  CHECK(platform.until([&] { return !runs(child); }));
}

TEST_CASE("Processes of which every record is lost are ended by their group", "[mepm-hygiene]") {
  Platform platform;
  const auto id = platform.started("fork");
  const auto record = platform.record(id);
  const auto directory = platform.directory_of(id);
  platform.stop();
  std::filesystem::remove(directory + "/process.json");
  std::filesystem::remove(platform.directory.file("state/app_instances/" + id + ".json"));
  platform.start();
  if (record["unifiedGroup"] == "" && record["pidsGroup"] == "") {
    WARN("no control groups here");
    for (const auto& process : platform.marked(id)) process::send_signal(process, SIGKILL);
  }
  CHECK(platform.until([&] { return platform.processes(id) == 0; }));
  CHECK(platform.until([&] { return !std::filesystem::exists(directory); }));
}

TEST_CASE("A child whose name looks like the end of a line is seen", "[mepm-hygiene]") {
  const auto manner = GENERATE(Manner{true, false}, Manner{false, false});
  Platform platform([&](MepmOptions& options) { manner.apply(options); });
  const auto id = platform.started("masked", kBesideZombies);
  const auto child = child_of(platform, id);
  CHECK(platform.processes(id) == 2);
  platform.end(id);
  CHECK(platform.until([&] { return !runs(child); }));
}

TEST_CASE("An instance that stops whatever its user has cannot stop its end", "[mepm-hygiene]") {
  if (!is_root()) {
    WARN("needs root");
    return;
  }
  const bool groups = GENERATE(true, false);
  Platform platform([&](MepmOptions& options) { Manner{true, groups}.apply(options); });
  for (int i = 0; i < 5; ++i) {
    const auto id = platform.started("stop-others", kBesideZombies);
    child_of(platform, id);  // all others are stopped from here on
    const auto began = std::chrono::steady_clock::now();
    platform.end(id);
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(3));
    CHECK(platform.ask("DELETE", kLcm + "/app_instances/" + id).status == 204);
  }
}

TEST_CASE("Files in memory are memory", "[mepm-hygiene]") {
  const bool groups = GENERATE(true, false);
  const auto* mode = GENERATE("memfd", "tmpfs", "mapped");
  CAPTURE(groups, mode);
  Platform platform([&](MepmOptions& options) {
    options.process.place.control_groups = groups;
    options.process.restarts_max = 0;
  });
  const auto id = platform.started(mode, {{"filesBytesMax", 1 << 30}}, 32);
  if (std::string(mode) != "mapped" && platform.record(id)["memoryGroup"] == "") {
    return platform.end(id);  // only the kernel can count what is not mapped
  }
  CHECK_FALSE(platform.call(platform.instance(id)).empty());  // from here on
  REQUIRE(platform.until([&] { return !platform.instance(id).instantiated; }));
  CHECK_THAT(platform.instance(id).status.last_error,
             ContainsSubstring("32 are allowed") || ContainsSubstring("memory grew too fast"));
}

// Reads every page of it, and waits for its end.
[[noreturn]] void use_for_ever(const char* memory, std::size_t bytes) {
  volatile char sum = 0;
  for (std::size_t i = 0; i < bytes; i += 4096) sum = static_cast<char>(sum + memory[i]);
  for (;;) ::pause();
}

TEST_CASE("Pages that many share are counted once", "[mepm-hygiene]") {
  constexpr std::size_t kBytes = 32U << 20U;
  auto* shared = static_cast<char*>(
      ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  std::memset(shared, 'x', kBytes);
  process::Membership of;
  of.session = ::fork();
  if (of.session == 0) {
    ::setsid();
    for (int i = 0; i < 3; ++i) {
      if (::fork() == 0) use_for_ever(shared, kBytes);
    }
    use_for_ever(shared, kBytes);
  }
  of.session_start = process::start_time(of.session).value();
  std::int64_t counted = 0;
  CHECK(mx2::test::eventually([&] {
    counted = static_cast<std::int64_t>(process::take_census().of(of).memory_bytes);
    return counted >= static_cast<std::int64_t>(4 * kBytes);
  }));
  const auto once = static_cast<std::int64_t>(process::proportional_memory(of));
  CHECK(counted - once >= static_cast<std::int64_t>(5 * kBytes / 2));
  CHECK(mx2::test::eventually([&] { return process::kill_members(of); }));
  ::waitpid(of.session, nullptr, 0);
  ::munmap(shared, kBytes);
}

std::size_t zombies_of_ours() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "stat");
    std::string text;
    if (!std::getline(file, text, '\0') || text.rfind(") Z ") == std::string::npos) continue;
    const auto parent = text.substr(text.rfind(") Z ") + 4);
    if (std::stol(parent) == ::getpid()) ++count;
  }
  return count;
}

TEST_CASE("Orphans are reaped where they become ours", "[mepm-hygiene]") {
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  {
    Platform platform;
    const auto id = platform.started("orphans", {{"processesMax", 64}});
    for (int i = 0; i < 10; ++i) CHECK_FALSE(platform.call(platform.instance(id)).empty());
    CHECK(platform.until([] { return zombies_of_ours() == 0; }));
    CHECK(platform.instance(id).status.restarts == 0);
    // Its own end is told as before.
    process::send_signal(platform.marked(id).at(0), SIGKILL);
    CHECK(platform.until([&] { return platform.instance(id).status.restarts == 1; }));
    CHECK_THAT(platform.instance(id).status.last_error, ContainsSubstring("SIGKILL"));
    platform.end(id);
    CHECK(platform.until([] { return zombies_of_ours() == 0; }));
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace mx2::mepm::test
