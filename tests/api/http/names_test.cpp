// Names, and what slow ones cost. getaddrinfo() is ours in this program.
#include <dlfcn.h>
#include <netdb.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "api/http/async_client.h"
#include "api/http/http_client.h"
#include "tests/catch.h"
#include "tests/support/caller.h"
#include "tests/support/name_server.h"
#include "tests/support/receiver.h"

namespace {

constexpr const char* kSlowName = "slow-name.example";

// Who asks for the name waits until the test ends, or for a good while.
struct SlowNames {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = true;
  int asked = 0;
  int waiting = 0;

  void wait() {
    std::unique_lock lock(mutex);
    ++asked;
    ++waiting;
    changed.wait_for(lock, std::chrono::seconds(12), [this] { return open; });
    --waiting;
    changed.notify_all();
  }
};

SlowNames& slow_names() {
  static SlowNames names;
  return names;
}

// Names are slow while there is one.
class SlowResolver {
 public:
  SlowResolver() {
    const std::lock_guard guard(slow_names().mutex);
    slow_names().open = false;
    slow_names().asked = 0;
  }
  ~SlowResolver() {
    std::unique_lock lock(slow_names().mutex);
    slow_names().open = true;
    slow_names().changed.notify_all();
    slow_names().changed.wait(lock, [] { return slow_names().waiting == 0; });
  }
  SlowResolver(const SlowResolver&) = delete;
  SlowResolver& operator=(const SlowResolver&) = delete;
  [[nodiscard]] int asked() const {
    const std::lock_guard guard(slow_names().mutex);
    return slow_names().asked;
  }
};

}  // namespace

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints,
                           addrinfo** found) {
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto kReal = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  if (name != nullptr && std::string(name) == kSlowName) {
    slow_names().wait();
    return EAI_NONAME;
  }
  return kReal(name, service, hints, found);
}

namespace mx2::test {
namespace {

// A client that asks a name server of the test's, which plays in the same thread.
struct Named {
  explicit Named(http::AsyncClientOptions with = {}) : caller(at(server, std::move(with))) {}
  static http::AsyncClientOptions at(const NameServer& server, http::AsyncClientOptions with) {
    with.names.servers = server.address();
    if (!with.may_connect) with.may_connect = [](const IpAddress&) { return true; };
    return with;
  }
  bool until(std::size_t results) {
    return eventually([&] {
      server.step();
      caller.client.poll(1);
      return caller.results.size() >= results;
    });
  }

  NameServer server;
  Caller caller;
};

// libcurl waited for the thread that resolved when the transfer timed out: all others with it.
TEST_CASE("async client: a name that is not answered for delays nobody else",
          "[http][client][names]") {
  Receiver good;
  http::AsyncClientOptions options;
  options.connect_timeout_ms = 300;
  Named world(options);
  world.server.says = [](const std::string& name) -> std::optional<NameServer::Answer> {
    if (name == "slow.example") return std::nullopt;
    return NameServer::Answer{NameServer::kNoError, {"127.0.0.1"}};
  };
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) world.caller.post("http://slow.example/" + std::to_string(i));
  world.caller.post(good.url("/address"));
  world.caller.post(good.url("/name", "good.example"));
  REQUIRE(world.until(2));
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::milliseconds(250));
  for (const auto& [n, reply] : world.caller.results) {
    CHECK(n >= 20);
    CHECK(reply->status == 204);
  }
  REQUIRE(world.until(22));
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(2));
  const auto& slow = world.caller.results.back().second;
  CHECK(code_of(slow) == ErrorCode::kDeadlineExceeded);
  CHECK(slow.error().cause == http::kUnreachable);
  CHECK(good.heard("/name").at(0).header("Host").rfind("good.example:", 0) == 0);
}

TEST_CASE("async client: a name that does not exist is told apart", "[http][client][names]") {
  Named world;
  world.server.says = [](const std::string& name) -> std::optional<NameServer::Answer> {
    return NameServer::Answer{name == "gone.example" ? NameServer::kNoSuchName
                                                     : NameServer::kServerFailure};
  };
  world.caller.post("http://gone.example/");
  world.caller.post("http://no.such.host.invalid/");
  REQUIRE(world.until(2));
  for (const auto& [n, reply] : world.caller.results) {
    CHECK(code_of(reply) == ErrorCode::kUnavailable);
    CHECK(reply.error().cause == (n == 0 ? http::kNoSuchName : http::kImpossibleName));
  }
  world.caller.post("http://later.example/");
  REQUIRE(world.until(3));
  CHECK(world.caller.results.back().second.error().cause == http::kUnreachable);
}

// What is checked is what is connected to, also when a name has several addresses or new ones.
TEST_CASE("async client: the addresses of a name are asked for one by one",
          "[http][client][ssrf][names]") {
  Receiver receiver([](const Heard&, std::size_t) {
    auto reply = http::no_content();
    reply.close = true;
    return reply;
  });
  std::vector<std::string> asked;
  http::AsyncClientOptions options;
  options.may_connect = [&](const IpAddress& address) {
    asked.push_back(address.text());
    return address.text() == "127.0.0.1";
  };
  Named world(options);
  std::vector<std::string> addresses{"127.0.0.1"};
  world.server.says = [&](const std::string&) -> std::optional<NameServer::Answer> {
    return NameServer::Answer{NameServer::kNoError, addresses, 1};
  };
  world.caller.post(receiver.url("/", "ue.example"));
  REQUIRE(world.until(1));
  CHECK(world.caller.results.back().second->status == 204);
  addresses = {"127.0.0.2", "::1"};
  // Its second is over: the name is asked for again.
  const auto asked_before = world.server.asked["ue.example"];
  REQUIRE(eventually([&] {
    const auto results = world.caller.results.size();
    world.caller.post(receiver.url("/", "ue.example"));
    return world.until(results + 1) && world.server.asked["ue.example"] > asked_before;
  }));
  CHECK(code_of(world.caller.results.back().second) == ErrorCode::kForbidden);
  CHECK(std::find(asked.begin(), asked.end(), "127.0.0.2") != asked.end());
}

TEST_CASE("async client: a name is looked up once for many, and not for an open connection's sake",
          "[http][client][names]") {
  Receiver receiver;
  Named world;
  world.server.says = [&](const std::string&) -> std::optional<NameServer::Answer> {
    return NameServer::Answer{NameServer::kNoError, {"127.0.0.1"}, 30};
  };
  for (int i = 0; i < 100; ++i) world.caller.post(receiver.url("/", "UE.example"));
  REQUIRE(world.until(100));
  for (const auto& [n, reply] : world.caller.results) CHECK(reply->status == 204);
  CHECK(world.server.asked["ue.example"] == 1);
}

TEST_CASE("async client: it ends while a name is looked up", "[http][client][names]") {
  const auto token = std::make_shared<int>();
  bool called = false;
  {
    Named world;
    world.caller.client.begin({"POST", "http://slow.example/", {}, ""},
                              [&called, token](const Result<http::Reply>&) { called = true; });
    REQUIRE(eventually([&] {
      world.caller.client.poll(1);
      world.server.step();
      return world.server.asked["slow.example"] > 0;
    }));
  }
  CHECK_FALSE(called);
  CHECK(token.use_count() == 1);
}

const std::string kSlowUrl = std::string("http://") + kSlowName + "/";

TEST_CASE("slow names: a client that waits gives up in time, and can be interrupted",
          "[http][client][names]") {
  const SlowResolver slow;
  http::ClientOptions options;
  options.connect_timeout_ms = 200;
  http::CurlClient client(options);
  auto begun = std::chrono::steady_clock::now();
  const auto reply = client.send("GET", kSlowUrl, {}, "");
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == ErrorCode::kDeadlineExceeded);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(2));
  CHECK(slow.asked() == 1);  // or this shows nothing

  options.connect_timeout_ms = 20'000;
  http::CurlClient patient(options);
  begun = std::chrono::steady_clock::now();
  std::thread other([&] {
    static_cast<void>(eventually([&] { return slow.asked() == 2; }));
    patient.interrupt();
  });
  CHECK_FALSE(patient.send("GET", kSlowUrl, {}, "").ok());
  other.join();
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10));
}

TEST_CASE("slow names: whoever has others to serve does not ask the system's resolver",
          "[http][client][names]") {
  const SlowResolver slow;
  Receiver good;
  http::AsyncClientOptions options;
  options.names.servers = "127.0.0.1:9";
  options.connect_timeout_ms = 200;
  http::CurlMulti client(options);
  int ended = 0;
  const auto count = [&](const Result<http::Reply>&) { ++ended; };
  for (const auto& url : {kSlowUrl, good.url("/"), good.url("/", "localhost")}) {
    client.begin({"POST", url, {}, "{}"}, count);
  }
  CHECK(eventually([&] {
    client.poll(10);
    return ended == 3;
  }));
  CHECK(good.heard().size() == 2);
  CHECK(slow.asked() == 0);
}

}  // namespace
}  // namespace mx2::test
