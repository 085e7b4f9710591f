// What an instance knows is its own, what it leaves is removed, and what it is told is so.
#include <linux/capability.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "api/mec/codec_app_lcm.h"
#include "lcm/mepm/process/instance_log.h"
#include "lcm/mepm/process/sweeper.h"
#include "tests/catch.h"
#include "tests/lcm/mepm/platform.h"
#include "tests/support/receiver.h"

namespace mx2::mepm::test {
namespace {

namespace fs = std::filesystem;
using mx2::test::ContainsSubstring;

void check_private(const fs::path& path) {
  CAPTURE(path);
  const auto mode = fs::symlink_status(path).permissions();
  const bool passable = path.filename() == "state" || path.filename() == "instances" ||
                        path.parent_path().filename() == "instances" ||
                        path.filename() == "packages";
  const auto most =
      fs::is_directory(path) ? (passable ? fs::perms(0711) : fs::perms(0700)) : fs::perms(0600);
  CHECK((mode & ~most) == fs::perms::none);
}

void check_all_private(const Platform& platform) {
  for (auto it = fs::recursive_directory_iterator(platform.options.state_dir);
       it != fs::recursive_directory_iterator(); ++it) {
    check_private(it->path());
    if (it->path().filename() == "packages" || it->path().filename() == "work") {
      it.disable_recursion_pending();  // to be read by instances, or one's own
    }
  }
}

TEST_CASE("What is written down is for nobody else, whatever the umask and earlier versions",
          "[mepm-hygiene]") {
  const auto mask = ::umask(0);
  Platform platform([](MepmOptions& options) {
    options.process.surroundings.orchestrator_token = "secret";
    options.process.surroundings.trusted_apps = {"confirm"};
  });
  const auto id = platform.started("confirm");
  const auto list = platform.ask("GET", kSupport + "/applications/" + id + "/subscriptions");
  CHECK(list.body["_links"]["subscriptions"].size() == 1);
  check_all_private(platform);
  platform.stop();
  for (const auto& entry : fs::recursive_directory_iterator(platform.options.state_dir)) {
    const auto name = entry.path().filename();
    if (name != "token")
      fs::permissions(entry.path(), fs::perms(entry.is_directory() ? 0755 : 0644));
  }
  platform.start();
  check_all_private(platform);
  for (const auto& entry : fs::directory_iterator(platform.options.process.place.directory)) {
    CHECK(entry.path().string().find(id) == std::string::npos);  // the identifier is a secret
  }
  platform.end(id);
  ::umask(mask);
}

TEST_CASE("A closed umask keeps no instance from its package and its files", "[mepm-hygiene]") {
  const auto mask = ::umask(0077);
  {
    Platform platform;
    platform.end(platform.started("serve"));
  }
  ::umask(mask);
}

TEST_CASE("A state directory is of one MEPM", "[mepm-hygiene]") {
  const TempDir directory;
  {
    const auto first = lock_directory(directory.path());
    REQUIRE(first.ok());
    CHECK(lock_directory(directory.path()).error().code == ErrorCode::kConflict);
  }
  CHECK(lock_directory(directory.path()).ok());
}

TEST_CASE("An instance listens where it is told, and is started again when that changes",
          "[mepm-hygiene]") {
  Platform platform([](MepmOptions& options) {
    options.process.address = options.process.listen_address = "127.0.0.2";
  });
  const auto id =
      platform.started("serve", {{"command", {"bin/lambda", "{port}", "serve", "{host}"}}});
  auto info = platform.instance(id);
  CHECK(info.ip_addresses.front().host == "127.0.0.2");
  CHECK(platform.call(info, "/listens") == "127.0.0.2");
  info.ip_addresses.front().host = "127.0.0.1";
  CHECK(platform.call(info).empty());  // not on all
  platform.stop();
  platform.options.process.address = platform.options.process.listen_address = "127.0.0.3";
  platform.start();
  CHECK(platform.until(
      [&] { return platform.call(platform.instance(id), "/listens") == "127.0.0.3"; }));
  CHECK_THAT(platform.instance(id).status.last_error, ContainsSubstring("another address"));
  platform.end(id);
}

TEST_CASE("Nothing that an instance has left anywhere outlives it", "[mepm-hygiene]") {
  const auto manner = GENERATE(Manner{true, false}, Manner{false, false});
  Platform platform([&](MepmOptions& options) { manner.apply(options); });
  const auto id =
      platform.started("litter", {{"command", {"bin/lambda", "{port}", "litter", "{port}"}}});
  const auto port = std::to_string(platform.instance(id).ip_addresses.front().port);
  const std::vector<std::string> litter = {"/tmp/mx2-litter-" + port,
                                           "/dev/shm/mx2-litter-" + port};
  for (const auto& path : litter) CHECK(fs::exists(path));
  const bool is_known = manner.users && is_root();
  if (is_known) CHECK(process::owns_anything(static_cast<uid_t>(kOwnUsers)));
  platform.end(id);
  CHECK(platform.until([&] { return fs::is_empty(platform.options.process.place.directory); }));
  CHECK(fs::exists("/etc/passwd"));
  for (const auto& path : litter) {
    if (is_known) CHECK_FALSE(fs::exists(path));
    fs::remove_all(path);
  }
}

TEST_CASE("A user that has left something is nobody's next", "[mepm-hygiene]") {
  if (!is_root()) {
    WARN("needs root");
    return;
  }
  Platform platform([](MepmOptions& options) { Manner{}.apply(options); });
  const std::string left = "/tmp/mx2-left-" + std::to_string(::getpid());
  std::ofstream(left) << "x";
  REQUIRE(::chown(left.c_str(), kOwnUsers, kOwnUsers) == 0);
  const auto id = platform.started("serve");
  struct stat work {};
  REQUIRE(::stat((platform.directory_of(id) + "/work").c_str(), &work) == 0);
  CHECK(work.st_uid == kOwnUsers + 1);
  platform.end(id);
  CHECK(fs::exists(left));
  fs::remove(left);
}

void give_up_capability(int capability) {
  struct __user_cap_header_struct header {
    _LINUX_CAPABILITY_VERSION_3, 0
  };
  std::array<struct __user_cap_data_struct, 2> sets{};
  CHECK(::syscall(SYS_capget, &header, sets.data()) == 0);
  auto& set = sets.at(static_cast<std::size_t>(CAP_TO_INDEX(capability)));
  set.effective &= ~CAP_TO_MASK(capability);
  set.permitted &= ~CAP_TO_MASK(capability);
  CHECK(::syscall(SYS_capset, &header, sets.data()) == 0);
}

TEST_CASE("What a user has made of System V's is found, and removed with what a service may do",
          "[mepm-hygiene]") {
  if (!is_root()) {
    WARN("needs root");
    return;
  }
  const int kind = GENERATE(0, 1, 2);
  const auto user = static_cast<uid_t>(kOwnUsers + 77);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::syscall(SYS_setresuid, user, user, user) != 0) ::_exit(1);
    const int id = kind == 0   ? ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600)
                   : kind == 1 ? ::semget(IPC_PRIVATE, 1, IPC_CREAT | 0600)
                               : ::msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    ::_exit(id < 0 ? 1 : 0);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  REQUIRE(status == 0);
  CHECK(process::owns_anything(user));
  std::thread([&] {  // capabilities are each thread's, and of those that it makes
    give_up_capability(CAP_SYS_ADMIN);
    const TempDir directory;
    process::Sweeper sweeper;
    sweeper.sweep(directory.file("gone"), user);
    CHECK(mx2::test::eventually([&] { return !sweeper.take_swept().empty(); }));
  })
      .join();
  CHECK_FALSE(process::owns_anything(user));
}

TEST_CASE("The log of an instance is bounded where it is, and nowhere it may lead",
          "[mepm-hygiene]") {
  const TempDir directory;
  const auto precious = directory.file("precious");
  std::ofstream(precious) << std::string(1000, 'x');
  fs::create_symlink(precious, directory.file("log"));
  process::bound_log(directory.file("log"), 10);
  CHECK(fs::file_size(precious) == 1000);
  CHECK(process::log_tail(directory.file("log")).empty());
  REQUIRE(::mkfifo(directory.file("pipe").c_str(), 0600) == 0);
  process::bound_log(directory.file("pipe"), 10);  // and does not wait
}

TEST_CASE("An instance that cannot be told of its end is not waited for", "[mepm-hygiene]") {
  Platform platform([](MepmOptions& options) {
    options.notifications.attempts_max = 2;
    options.notifications.retry_ms = 1;
    options.notifications.queue_max = GENERATE(std::size_t{100}, std::size_t{0});
  });
  const auto id = platform.started("serve");
  const auto subscription =
      json::dump({{"subscriptionType", "AppTerminationNotificationSubscription"},
                  {"callbackReference", "http://127.0.0.1:1/x"},
                  {"appInstanceId", id},
                  {"_links", {{"self", {{"href", "/x"}}}}}});
  const auto path = kSupport + "/applications/" + id + "/subscriptions";
  CHECK(platform.ask("POST", path, subscription).status == 201);
  const auto began = std::chrono::steady_clock::now();
  CHECK(platform.terminate(id, true).state == OperationState::kCompleted);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
}

TEST_CASE("No instance subscribes so often that others cannot", "[mepm-hygiene]") {
  Platform platform;
  platform.packages.add("plain", "serve");
  const auto subscribe = [&](const std::string& id) {
    const auto body = json::dump({{"subscriptionType", "AppTerminationNotificationSubscription"},
                                  {"callbackReference", "http://127.0.0.1:1/x"},
                                  {"appInstanceId", id},
                                  {"_links", {{"self", {{"href", "/x"}}}}}});
    return platform.ask("POST", kSupport + "/applications/" + id + "/subscriptions", body).status;
  };
  const auto greedy = platform.create("plain");
  const auto modest = platform.create("plain");
  int made = 0;
  while (made < 100 && subscribe(greedy) == 201) ++made;
  CHECK(made == 16);
  CHECK(subscribe(modest) == 201);
}

TEST_CASE("An instance starts, and is seen to, while the date is set", "[mepm-hygiene]") {
  Platform platform;
  platform.packages.add("plain", "serve");
  const auto id = platform.create("plain");
  platform.date.ahead_ms = GENERATE(std::int64_t{3'600'000}, std::int64_t{-3'600'000});
  REQUIRE(platform.instantiate(id).state == OperationState::kCompleted);
  platform.date.ahead_ms = -platform.date.ahead_ms;
  process::send_signal(platform.marked(id).at(0), SIGKILL);
  CHECK(platform.until([&] {
    return platform.instance(id).status.restarts == 1 &&
           !platform.call(platform.instance(id)).empty();
  }));
  platform.end(id);
}

}  // namespace
}  // namespace mx2::mepm::test
