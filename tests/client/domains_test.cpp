// One λ in several domains: ranking, changes, and the local function when none can be reached.
#include "mx2-client/include/mx2/domains.h"

#include <mutex>

#include "mx2-client/src/domain_ranking.h"
#include "tests/catch.h"
#include "tests/client/support.h"

namespace mx2::test {
namespace {

using client::DomainChange;
using client::Domains;
using client::DomainsOptions;
using device::DomainRanking;
using std::chrono::microseconds;
using Order = std::vector<std::size_t>;

const DomainRanking::Time kStart{std::chrono::hours(1)};

TEST_CASE("ranking: the fastest confirmed domain, the earlier of equals", "[client][domains]") {
  DomainRanking ranking(3, 0.2);
  CHECK_FALSE(ranking.current());
  CHECK(ranking.order().empty());
  ranking.measured(2, microseconds(900), kStart);
  CHECK(ranking.current() == 2);
  ranking.measured(0, microseconds(800), kStart);  // not faster by a fifth
  CHECK(ranking.current() == 2);
  CHECK(ranking.order() == Order{2, 0});
  ranking.measured(1, microseconds(100), kStart);
  CHECK(ranking.current() == 1);
  CHECK(ranking.order() == Order{1, 0, 2});
  ranking.measured(1, std::nullopt, kStart);
  CHECK(ranking.order() == Order{0, 2});
  DomainRanking equals(2, 0);
  equals.measured(1, microseconds(5), kStart);
  equals.measured(0, microseconds(5), kStart);
  CHECK(equals.current() == 1);
  equals.measured(1, std::nullopt, kStart);
  equals.measured(1, microseconds(5), kStart);
  CHECK(equals.current() == 0);
}

TEST_CASE("ranking: latency is smoothed, one slow answer moves nobody", "[client][domains]") {
  DomainRanking ranking(2, 0.2);
  ranking.measured(0, microseconds(100), kStart);
  ranking.measured(1, microseconds(200), kStart);
  ranking.measured(0, microseconds(300), kStart);
  CHECK(ranking.latency(0) == microseconds(150));
  CHECK(ranking.current() == 0);
  for (int i = 0; i < 10; ++i) ranking.measured(0, microseconds(400), kStart);
  CHECK(ranking.current() == 1);
}

TEST_CASE("ranking: who fails a call is left alone, longer each time", "[client][domains]") {
  DomainRanking ranking(2, 0.2);
  const auto measure = [&](DomainRanking::Time now) {
    ranking.measured(0, microseconds(100), now);
    ranking.measured(1, microseconds(900), now);
  };
  auto now = kStart;
  measure(now);
  for (const int seconds : {1, 2, 4, 8, 16, 30, 30}) {
    CHECK(ranking.current() == 0);
    ranking.called(0, false, now);
    CHECK(ranking.current() == 1);
    measure(now + std::chrono::seconds(seconds) - milliseconds(1));
    CHECK(ranking.current() == 1);
    now += std::chrono::seconds(seconds);
    measure(now);
  }
  ranking.called(0, true, now);
  ranking.called(0, false, now);
  measure(now + std::chrono::seconds(1));
  CHECK(ranking.current() == 0);
  ranking.called(0, false, now);
  ranking.called(1, false, now);
  CHECK_FALSE(ranking.current());
}

// A domain whose λ can fail, or be away.
struct TestDomain {
  explicit TestDomain(const std::string& name, int delay_ms = 0)
      : lambda([this, name, delay_ms](const http::Request& request) {
          if (request.method == "OPTIONS") std::this_thread::sleep_for(milliseconds(delay_ms));
          return http::Reply{status, "text/plain", name + ":" + request.body, {}, false};
        }),
        orchestrator({.reads = true}, {lambda.url()}) {}

  std::atomic<int> status{200};
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
}

}  // namespace
}  // namespace mx2::test
