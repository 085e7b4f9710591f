// One λ in several domains: changes, closing, and the local function when none can be reached.
#include "mx2-client/include/mx2/domains.h"

#include <atomic>
#include <deque>
#include <limits>
#include <mutex>
#include <set>

#include "tests/catch.h"
#include "tests/mx2-client/support.h"

namespace mx2::test {
namespace {

using client::DomainChange;
using client::Domains;
using client::DomainsOptions;

// A domain whose λ can fail, or be away.
struct TestDomain {
  explicit TestDomain(const std::string& name, int delay_ms = 0)
      : lambda([this, name, delay_ms](const http::Request& request) {
          if (request.method == "OPTIONS") std::this_thread::sleep_for(milliseconds(delay_ms));
          if (request.method == "POST") ++posts;
          return http::Reply{status, "text/plain", name + ":" + request.body, {}, false};
        }),
        orchestrator({.reads = true}, {lambda.url()}) {}

  std::atomic<int> status{200};
  std::atomic<int> posts{0};
  FunctionServer lambda;
  ForeignOrchestrator orchestrator;
};

struct Changes {
  void operator()(const DomainChange& change) {
    const std::lock_guard lock(mutex);
    list.emplace_back(change.from, change.to);
  }
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> all() const {
    const std::lock_guard lock(mutex);
    return list;
  }
  mutable std::mutex mutex;
  std::vector<std::pair<std::string, std::string>> list;
};

DomainsOptions domains_of(const std::vector<std::string>& urls) {
  DomainsOptions options;
  for (const auto& url : urls) {
    auto one = options_for(url);
    one.move_wait = milliseconds(20);
    options.domains.push_back(one);
  }
  options.look_interval = milliseconds(20);
  return options;
}

client::Result<client::Reply> answer_locally(std::string_view payload, const std::string& type) {
  client::Reply reply;
  reply.status = 200;
  reply.content_type = type;
  reply.body = "local:" + std::string(payload);
  return reply;
}

TEST_CASE("domains: without any, the local function answers", "[client][domains]") {
  auto options = domains_of({"http://127.0.0.1:1", "http://127.0.0.1:2"});
  options.local = answer_locally;
  Domains domains(options, facedetect(client::Channel::kPolling));
  const auto reply = domains.invoke("x", "text/plain");
  REQUIRE(reply.ok());
  CHECK(reply->body == "local:x");
  CHECK(reply->content_type == "text/plain");
  CHECK(reply->endpoint == "local");
  CHECK(domains.current().empty());
  CHECK_FALSE(domains.wait_for_domain(milliseconds(50)));
  CHECK(eventually([&] { return !domains.status()[1].last_error.empty(); }));
}

TEST_CASE("domains: without any and without a local function, an error", "[client][domains]") {
  Domains domains(domains_of({"http://127.0.0.1:1"}), facedetect(client::Channel::kPolling));
  const auto reply = domains.invoke("x");
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == client::ErrorCode::kUnreachable);
}

TEST_CASE("domains: the nearest by measurement is called, the next when it fails",
          "[client][domains]") {
  TestDomain cloud("cloud", 60);
  TestDomain edge("edge");
  Changes changes;
  auto options = domains_of({cloud.orchestrator.url(), edge.orchestrator.url()});
  options.local = answer_locally;
  options.on_change = [&](const DomainChange& change) { changes(change); };
  Domains domains(options, facedetect(client::Channel::kPolling));
  REQUIRE(eventually([&] { return domains.current() == edge.orchestrator.url(); }));
  REQUIRE(eventually([&] { return domains.status()[0].confirmed; }));
  CHECK(domains.status()[0].latency > domains.status()[1].latency);
  CHECK(domains.invoke("x")->body == "edge:x");
  edge.status = 503;
  const auto second = domains.invoke("y");
  REQUIRE(second.ok());
  CHECK(second->body == "cloud:y");
  CHECK(second->attempts == 2);
  cloud.lambda.stop();
  const auto third = domains.invoke("z");
  REQUIRE(third.ok());
  CHECK(third->body == "local:z");
  edge.status = 200;
  REQUIRE(eventually([&] { return domains.current() == edge.orchestrator.url(); }));
  CHECK(domains.invoke("x")->body == "edge:x");
  domains.close();
  const auto told = changes.all();
  REQUIRE(told.size() >= 3);
  CHECK(told.front().first.empty());
  for (std::size_t i = 1; i < told.size(); ++i) CHECK(told[i].first == told[i - 1].second);
  CHECK(told.back().second == edge.orchestrator.url());
}

TEST_CASE("domains: no call fails while domains come and go", "[client][domains]") {
  TestDomain a("a");
  TestDomain b("b", 5);
  auto options = domains_of({a.orchestrator.url(), b.orchestrator.url()});
  options.local = answer_locally;
  Domains domains(options, facedetect(client::Channel::kPolling));
  REQUIRE(domains.wait_for_domain(std::chrono::seconds(20)));
  for (int i = 0; i < 200; ++i) {
    if (i % 20 == 10) a.status = 502;
    if (i % 20 == 19) a.status = 200;
    if (i % 50 == 25) b.status = 503;
    if (i % 50 == 49) b.status = 200;
    const auto reply = domains.invoke("x");
    REQUIRE(reply.ok());
    CHECK(reply->status == 200);
  }
}

TEST_CASE("domains: a bad answer is passed on when nobody has a better one", "[client][domains]") {
  TestDomain only("only");
  Domains domains(domains_of({only.orchestrator.url()}), facedetect(client::Channel::kPolling));
  REQUIRE(domains.wait_for_domain(std::chrono::seconds(20)));
  only.status = 503;
  const auto reply = domains.invoke("x");
  REQUIRE(reply.ok());
  CHECK(reply->status == 503);
}

TEST_CASE("domains: a bad answer is better than a local function that fails", "[client][domains]") {
  TestDomain only("only");
  auto options = domains_of({only.orchestrator.url()});
  options.local = [](auto, auto&) -> client::Result<client::Reply> {
    return client::Error{client::ErrorCode::kProtocol, "no battery", 0};
  };
  Domains domains(options, facedetect(client::Channel::kPolling));
  REQUIRE(domains.wait_for_domain(std::chrono::seconds(20)));
  only.status = 503;
  const auto reply = domains.invoke("x");
  REQUIRE(reply.ok());
  CHECK(reply->status == 503);
  CHECK(reply->endpoint == only.lambda.url());
}

TEST_CASE("domains: what cannot be sent is nobody's failure", "[client][domains]") {
  TestDomain only("only");
  auto options = domains_of({only.orchestrator.url()});
  options.local = answer_locally;
  Domains domains(options, facedetect(client::Channel::kPolling));
  REQUIRE(domains.wait_for_domain(std::chrono::seconds(20)));
  for (const auto* type : {"text/plain\r\nX: y", "text/plain\n"}) {
    const auto reply = domains.invoke("x", type);
    REQUIRE_FALSE(reply.ok());
    CHECK(reply.error().code == client::ErrorCode::kInvalidArgument);
    CHECK(domains.current() == only.orchestrator.url());
  }
}

TEST_CASE("domains: who is left alone says why, though its endpoint answers", "[client][domains]") {
  TestDomain only("only");
  Domains domains(domains_of({only.orchestrator.url()}), facedetect(client::Channel::kPolling));
  REQUIRE(domains.wait_for_domain(std::chrono::seconds(20)));
  only.status = 503;
  CHECK(domains.invoke("x")->status == 503);
  only.status = 200;
  const auto looks = only.lambda.calls();
  REQUIRE(eventually([&] { return only.lambda.calls() >= looks + 5; }));  // two in each look
  const auto status = domains.status().front();
  CHECK((status.confirmed || !status.last_error.empty()));
}

TEST_CASE("domains: a λ's own 404 is its answer, and nobody else is called", "[client][domains]") {
  TestDomain near("near");
  TestDomain far("far", 60);
  near.status = 404;
  auto options = domains_of({near.orchestrator.url(), far.orchestrator.url()});
  options.local = answer_locally;
  Domains domains(options, facedetect(client::Channel::kPolling));
  REQUIRE(eventually([&] {
    return domains.current() == near.orchestrator.url() && domains.status()[1].confirmed;
  }));
  for (int i = 0; i < 20; ++i) {
    const auto reply = domains.invoke("x");
    REQUIRE(reply.ok());
    CHECK(reply->body == "near:x");
    CHECK(reply->status == 404);
    CHECK(reply->attempts == 1);
  }
  CHECK(domains.current() == near.orchestrator.url());
  CHECK(domains.status()[0].confirmed);
  CHECK(far.posts == 0);
}

TEST_CASE("domains: a λ's own statuses are answers like any other", "[client][domains]") {
  TestDomain only("only");
  only.status = 422;
  auto options = domains_of({only.orchestrator.url()});
  options.local = answer_locally;
  Domains domains(options, facedetect(client::Channel::kPolling));
  REQUIRE(domains.wait_for_domain(std::chrono::seconds(20)));
  CHECK(domains.invoke("x")->status == 422);
}

TEST_CASE("domains: contexts are deleted at the end, later calls are closed", "[client][domains]") {
  TestDomain a("a");
  TestDomain b("b");
  auto domains = std::make_unique<Domains>(domains_of({a.orchestrator.url(), b.orchestrator.url()}),
                                           facedetect(client::Channel::kPolling));
  REQUIRE(
      eventually([&] { return a.orchestrator.contexts() == 1 && b.orchestrator.contexts() == 1; }));
  domains->close();
  domains->close();
  CHECK(domains->invoke("x").error().code == client::ErrorCode::kClosed);
  domains.reset();
  CHECK(a.orchestrator.contexts() == 0);
  CHECK(b.orchestrator.contexts() == 0);
}

// An orchestrator that answers, but not to what is held, which waits for release().
class SlowOrchestrator : public http::Handler {
 public:
  explicit SlowOrchestrator(std::set<std::string> held) : held_(std::move(held)) {
    server_.start(*this);
  }
  ~SlowOrchestrator() override {
    waiting_.clear();
    server_.stop(0);
  }

  void handle(http::Request request, http::Responder responder) override {
    const std::lock_guard lock(mutex_);
    seen_.insert(request.method);
    if (held_.count(request.method) == 0) return responder.reply(answer(request));
    waiting_.emplace_back(std::move(request), std::move(responder));
  }
  void release(const std::string& method) {
    const std::lock_guard lock(mutex_);
    held_.erase(method);
    for (auto& [request, responder] : waiting_) {
      if (request.method == method) responder.reply(answer(request));
    }
  }
  [[nodiscard]] bool has_seen(const std::string& method) const {
    const std::lock_guard lock(mutex_);
    return seen_.count(method) != 0;
  }
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(server_.port());
  }

 private:
  [[nodiscard]] static http::Reply answer(const http::Request& request) {
    if (request.method == "GET") {
      return http::json_reply(200, R"({"appList":[{"appInfo":{"appName":"facedetect","appProvider":
        "Example","appDVersion":"1.0","appDescription":"Finds faces","appSoftVersion":"1.0",
        "appDId":"facedetect-1"}}]})");
    }
    if (request.method == "DELETE") return http::no_content();
    auto context = *json::parse(request.body);
    context["contextId"] = "c1";
    return http::json_reply(201, json::dump(context));
  }

  mutable std::mutex mutex_;
  std::set<std::string> held_;
  std::set<std::string> seen_;
  std::deque<std::pair<http::Request, http::Responder>> waiting_;
  http::PistacheServer server_{http::ServerOptions{}};
};

TEST_CASE("domains: who is closed while it asks for applications creates no context",
          "[client][domains]") {
  SlowOrchestrator orchestrator({"GET"});
  Domains domains(domains_of({orchestrator.url()}), facedetect(client::Channel::kPolling));
  REQUIRE(eventually([&] { return orchestrator.has_seen("GET"); }));
  std::vector<std::thread> closing;
  for (int i = 0; i < 4; ++i) closing.emplace_back([&] { domains.close(); });
  CHECK(eventually([&] {
    const auto reply = domains.invoke("x");
    return !reply && reply.error().code == client::ErrorCode::kClosed;
  }));
  orchestrator.release("GET");
  for (auto& each : closing) each.join();
  CHECK_FALSE(orchestrator.has_seen("POST"));
}

TEST_CASE("domains: closing takes one timeout, also while a context is being made",
          "[client][domains]") {
  SlowOrchestrator orchestrator({"POST", "DELETE"});
  auto options = domains_of({orchestrator.url()});
  options.domains.front().timeout = milliseconds(1500);
  Domains domains(options, facedetect(client::Channel::kPolling));
  REQUIRE(eventually([&] { return orchestrator.has_seen("POST"); }));
  const auto begin = std::chrono::steady_clock::now();
  std::thread closing([&] { domains.close(); });
  std::this_thread::sleep_for(milliseconds(1000));
  orchestrator.release("POST");
  closing.join();
  CHECK(std::chrono::steady_clock::now() - begin < milliseconds(2000));
  CHECK(orchestrator.has_seen("DELETE"));
}

TEST_CASE("domains: who is closed during a call does not call the local function",
          "[client][domains]") {
  std::atomic<bool> asked{false};
  std::atomic<bool> closed{false};
  FunctionServer lambda([&](const http::Request& request) {
    if (request.method != "POST") return http::no_content();
    asked = true;
    static_cast<void>(eventually([&] { return closed.load(); }));
    return http::Reply{503, "text/plain", "", {}, false};
  });
  ForeignOrchestrator orchestrator({.reads = true}, {lambda.url()});
  auto options = domains_of({orchestrator.url()});
  options.local = answer_locally;
  Domains domains(options, facedetect(client::Channel::kPolling));
  REQUIRE(domains.wait_for_domain(std::chrono::seconds(20)));
  std::thread closing([&] {
    static_cast<void>(eventually([&] { return asked.load(); }));
    domains.close();
    closed = true;
  });
  const auto reply = domains.invoke("x");
  closing.join();
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == client::ErrorCode::kClosed);
}

TEST_CASE("domains: wrong options and functions that throw are errors", "[client][domains]") {
  const auto code_of = [](const DomainsOptions& options) {
    Domains domains(options, facedetect(client::Channel::kPolling));
    const auto reply = domains.invoke("x");
    return reply.ok() ? "none" : reply.error().message;
  };
  CHECK(code_of({}) == "there is no domain");
  CHECK(code_of(domains_of(std::vector<std::string>(17, "http://127.0.0.1:1"))) ==
        "there are more than 16 domains");
  auto options = domains_of({"http://127.0.0.1:1"});
  options.gain = 1;
  CHECK_THAT(code_of(options), ContainsSubstring("gain"));
  options.gain = 0;
  options.local = [](auto, auto&) -> client::Result<client::Reply> {
    throw std::runtime_error("no battery");
  };
  CHECK(code_of(options) == "the local function: no battery");
  options.local = [](auto, auto&) -> client::Result<client::Reply> { throw 1; };
  CHECK_THAT(code_of(options), ContainsSubstring("threw"));
  options.gain = std::numeric_limits<double>::quiet_NaN();
  CHECK_THAT(code_of(options), ContainsSubstring("gain"));
}

}  // namespace
}  // namespace mx2::test
