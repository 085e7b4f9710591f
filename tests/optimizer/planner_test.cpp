// The main loop, step by step, and the API that looks at it.
#include "optimizer/planner.h"

#include "optimizer/advantedge/options.h"
#include "optimizer/endpoints.h"
#include "tests/catch.h"
#include "tests/optimizer/fake_orchestrator.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_dir.h"

namespace mx2::optimizer {
namespace {

using mx2::test::ContainsSubstring;

struct Answer {
  int status = 0;
  std::string body;
};

class AnswerSink final : public http::Responder::Sink {
 public:
  explicit AnswerSink(std::shared_ptr<Answer> answer) : answer_(std::move(answer)) {}
  void send(http::Reply reply) noexcept override { *answer_ = {reply.status, reply.body}; }

 private:
  std::shared_ptr<Answer> answer_;
};

// Has nothing to tell, and remembers what it is to send.
struct QuietSource final : TopologySource {
  std::optional<News> take() override { return std::nullopt; }
  State state() const override { return {}; }
  std::vector<Move> devices() const override { return {}; }
  void configure(const SourceOptions& read) override {
    headers = dynamic_cast<const advantedge::Options&>(read).live.access.headers;
  }
  http::Headers headers;
};

constexpr const char* kTopology =
    "hosts: [{id: near}, {id: far}]\n"
    "attachments: [{name: x, prefixes: [10.0.0.0/8]}]\n"
    "latency_ms: {x: {near: 2, far: 30}}\n";

struct PlannerBench {
  mx2::test::TempDir folder;
  std::string topology = folder.write("topology.yaml", kTopology);
  std::string file = folder.write(
      "optimizer.yaml", "orchestrator: {wait_ms: 0}\nserver: {token_file: ''}\ntopology: {file: '" +
                            topology + "'}\n");
  Configuration configuration = read();
  test::FakeOrchestrator orchestrator;
  ManualClock clock{1'000'000};
  ManualClock wall{1'000'000};
  metrics::Registry registry;
  Status status{registry, clock, wall, file};
  Control control;
  Leadership leadership{{orchestrator, configuration.options.orchestrator}, "me", 9000, clock};
  Api api{registry, status, control, leadership, {}};
  http::Router router{registry, "optimizer"};
  QuietSource source;
  Planner planner{
      orchestrator, orchestrator, configuration, ConfigurationWatch(file, configuration.files),
      leadership,   control,      status,        clock,
      "me",         &source};

  PlannerBench() {
    orchestrator.lists["hosts"] = {codec::to_json_with_status(test::host("far"), 0),
                                   codec::to_json_with_status(test::host("near"), 0)};
    orchestrator.lists["contexts"] = {test::context("a", "far", "10.0.0.1")};
    add_endpoints(router, api);
  }
  // As the program does: whoever waits is answered while the router is there.
  ~PlannerBench() { control.stop(); }
  PlannerBench(const PlannerBench&) = delete;
  PlannerBench& operator=(const PlannerBench&) = delete;

  Configuration read() const {
    std::vector<std::string> files;
    auto result = read_configuration(config::read_yaml_file(file).value(), files);
    REQUIRE(result.ok());
    return std::move(*result);
  }
  std::shared_ptr<Answer> ask(const std::string& method, const std::string& target,
                              const http::Headers& headers = {}) {
    http::Request request;
    request.method = method;
    const auto mark = std::min(target.find('?'), target.size());
    request.path = target.substr(0, mark);
    request.query = target.substr(std::min(mark + 1, target.size()));
    request.headers = headers;
    auto answer = std::make_shared<Answer>();
    router.handle(std::move(request), http::Responder(std::make_unique<AnswerSink>(answer)));
    return answer;
  }
  json::Value get(const std::string& target) {
    const auto answer = ask("GET", target);
    CAPTURE(answer->body);
    REQUIRE(answer->status == 200);
    return json::parse(answer->body).value();
  }
  void lead() { (void)leadership.step(); }
  void step(int times = 1) {
    for (int i = 0; i < times; ++i) {
      clock.advance(1100);
      lead();
      (void)planner.step();
    }
  }
};

TEST_CASE("planner: who stands by follows and sends nothing, then takes over", "[planner]") {
  PlannerBench bench;
  bench.orchestrator.holder = "other";
  bench.step(3);
  CHECK(bench.orchestrator.plans.empty());
  const auto health = bench.get("/health");
  CHECK(health["status"] == "standby");
  CHECK(health["leader"]["url"] == "http://other");
  CHECK(bench.ask("POST", "/plan")->status == 0);  // answered by the next step
  bench.orchestrator.holder.clear();
  bench.step(2);
  CHECK(bench.orchestrator.plans.size() == 1);
  CHECK(bench.orchestrator.holder_of_plan == "me");
  CHECK(bench.get("/health")["status"] == "ok");
}

TEST_CASE("planner: paused it plans only when asked", "[planner]") {
  PlannerBench bench;
  const auto paused = bench.ask("POST", "/pause");
  bench.step(3);
  CHECK(paused->status == 200);
  CHECK(bench.orchestrator.paused);
  CHECK(bench.orchestrator.plans.empty());
  CHECK(bench.get("/health")["status"] == "paused");
  const auto preview = bench.ask("GET", "/plan?dry_run=true");
  bench.step();
  CHECK_THAT(preview->body, ContainsSubstring("1 rows change on table version 7"));
  CHECK(bench.orchestrator.plans.empty());
  const auto plan = bench.ask("POST", "/plan");
  bench.step();
  CHECK(plan->status == 200);
  CHECK(json::parse(plan->body).value()["rows"] == 1);
  CHECK(bench.orchestrator.plans.size() == 1);
  CHECK(bench.get("/status")["paused"] == true);
  const auto resumed = bench.ask("POST", "/resume");
  bench.step();
  CHECK(resumed->status == 200);
  CHECK(bench.get("/status")["paused"] == false);
  CHECK_FALSE(bench.orchestrator.paused);
}

TEST_CASE("planner: a pause outlives who was asked for it", "[planner]") {
  PlannerBench bench;
  bench.orchestrator.paused = true;  // by an operator, at another optimizer or before a restart
  bench.step(3);
  CHECK(bench.orchestrator.plans.empty());
  CHECK(bench.get("/status")["paused"] == true);
  bench.orchestrator.paused = false;
  bench.step(2);
  CHECK(bench.orchestrator.plans.size() == 1);
}

TEST_CASE("planner: a pause that cannot be kept is refused", "[planner]") {
  PlannerBench bench;
  bench.orchestrator.down = true;
  const auto paused = bench.ask("POST", "/pause");
  bench.step();
  CHECK(paused->status == 503);
  CHECK(bench.get("/status")["paused"] == false);
}

TEST_CASE("planner: a plan in the way is waited for", "[planner]") {
  PlannerBench bench;
  bench.orchestrator.plans_in_the_way = 1;
  bench.step();
  CHECK(bench.get("/health")["status"] == "failing");
  bench.step();
  CHECK(bench.orchestrator.plans.size() == 1);
  CHECK(bench.get("/health")["status"] == "ok");
}

TEST_CASE("planner: the status tells of the last plan and the next", "[planner]") {
  PlannerBench bench;
  bench.step();
  const auto status = bench.get("/status");
  CHECK(status["leading"] == true);
  CHECK(status["lastPlan"]["rows"] == 1);
  CHECK(status["lastPlan"]["tableVersion"] == 7);
  CHECK(status["lastPlan"]["latencyMeanMs"]["before"] == 30.0);
  CHECK(status["lastPlan"]["latencyMeanMs"]["after"] == 2.0);
  CHECK_FALSE(status.contains("why"));  // all are where they are best off
  CHECK(status["nextMs"] == bench.configuration.options.period_ms);
  CHECK(status["configuration"]["file"] == bench.file);
}

TEST_CASE("planner: explanations are those of the last plan", "[planner]") {
  PlannerBench bench;
  CHECK(bench.ask("GET", "/explain?ue=a&app=app")->status == 503);
  bench.step();
  const auto why = bench.get("/explain?ue=a&app=app");
  CHECK(why["chosen"] == "near");
  CHECK(why["current"] == "far");
  CHECK(why["attachment"] == "x");
  CHECK(why["candidates"].size() == 2);
  CHECK(why["candidates"][0]["latencyMs"] == 2.0);
  CHECK(bench.ask("GET", "/explain?ue=nobody&app=app")->status == 404);
  CHECK(bench.ask("GET", "/explain?ue=a")->status == 400);
  CHECK(bench.ask("GET", "/explain?ue=a&app=app&more=1")->status == 400);
  CHECK(bench.ask("GET", "/plan")->status == 400);
}

TEST_CASE("planner: of a dispatched app it explains where the dispatcher is", "[planner]") {
  PlannerBench bench;
  bench.orchestrator.add_dispatchers();
  bench.orchestrator.lists["apps"][0]["strategy"] = "dispatching";
  bench.step();
  const auto why = bench.get("/explain?ue=a&app=app");
  CHECK(why["app"] == "dispatcher-1");
  CHECK(why["chosen"] == "near");
  CHECK(why["reason"] == "app is dispatched, by dispatcher-1; near costs least");
  CHECK(bench.get("/explain?ue=a&app=dispatcher-1")["reason"] == "near costs least");
  CHECK(bench.ask("GET", "/explain?ue=nobody&app=app")->status == 404);
}

TEST_CASE("planner: the API asks for its token", "[planner]") {
  PlannerBench bench;
  bench.api.token = "secret";
  CHECK(bench.ask("GET", "/status")->status == 401);
  CHECK(bench.ask("POST", "/pause", {{"authorization", "Bearer secreT"}})->status == 401);
  CHECK(bench.ask("GET", "/status", {{"authorization", "bearer secret"}})->status == 200);
  CHECK(bench.ask("GET", "/health")->status == 200);
  CHECK(bench.ask("GET", "/metrics")->status == 200);
  CHECK(bench.ask("GET", "/openapi.yaml")->body.starts_with("openapi:"));
}

TEST_CASE("planner: only so many plans may be asked for at once", "[planner]") {
  PlannerBench bench;
  const auto first = bench.ask("POST", "/plan");
  for (std::size_t i = 1; i < Control::kRequestsMax; ++i) {
    CHECK(bench.ask("POST", "/plan")->status == 0);
  }
  CHECK(bench.ask("POST", "/plan")->status == 429);
  CHECK(first->status == 0);
  bench.control.stop();
  CHECK(first->status == 503);
}

TEST_CASE("planner: a step of the date changes nothing but what people read", "[planner][time]") {
  PlannerBench bench;
  bench.step(2);
  for (const std::int64_t step_ms : {-3'600'000, 7'200'000}) {
    bench.wall.advance(step_ms);
    const auto asked = bench.orchestrator.leases_asked;
    const auto at = bench.wall.now_ms();
    bench.step(6);
    CHECK(bench.get("/status")["leading"] == true);
    CHECK(bench.get("/status")["nextMs"] <= 5000);
    CHECK(bench.get("/health")["planned"] == format_utc(at));  // planned since, by the new date
    CHECK(bench.get("/explain?ue=a&app=app")["planned"] == format_utc(at));
    CHECK(bench.orchestrator.leases_asked == asked + 6);
  }
  CHECK(bench.orchestrator.plans.size() == 1);  // nobody was moved again
}

TEST_CASE("planner: what is only an evacuation is told, until plans are whole again", "[planner]") {
  PlannerBench bench;
  bench.step(2);
  const auto metric = [&] { return bench.ask("GET", "/metrics")->body; };
  CHECK_THAT(metric(), ContainsSubstring("mx2_optimizer_degraded 0"));
  Optimizer::Outcome outcome;
  outcome.plan.degraded = "too large";
  const Replica replica;
  (void)bench.status.planned(outcome, 1, replica);
  CHECK(bench.get("/health")["status"] == "degraded");
  CHECK(bench.get("/status")["degraded"] == "too large");
  CHECK(bench.get("/status")["lastPlan"]["degraded"] == "too large");
  CHECK_THAT(metric(), ContainsSubstring("mx2_optimizer_degraded 1"));
  bench.step(6);
  CHECK(bench.get("/health")["status"] == "ok");
  CHECK_FALSE(bench.get("/status")["lastPlan"].contains("degraded"));
  CHECK_THAT(metric(), ContainsSubstring("mx2_optimizer_degraded 0"));
}

TEST_CASE("planner: a changed topology is used, when it is complete", "[planner][reload]") {
  PlannerBench bench;
  bench.step(2);
  (void)bench.folder.write("topology.yaml",
                           "attachments: [{name: x, prefixes: [10.0.0.0/8]}]\n"
                           "latency_ms: {x: {near: 90, far: 30}}\n");
  bench.step();  // seen
  CHECK(bench.get("/explain?ue=a&app=app")["chosen"] == "near");
  bench.clock.advance(60'000);
  bench.step();  // at rest
  CHECK(bench.get("/explain?ue=a&app=app")["chosen"] == "far");
}

TEST_CASE("planner: names that nobody has are told", "[planner]") {
  PlannerBench bench;
  bench.step(2);
  CHECK_FALSE(bench.get("/status").contains("unknownNames"));
  (void)bench.folder.write("topology.yaml",
                           "hosts: [{id: near}, {id: far}, {id: faraway}]\n"
                           "attachments: [{name: x, prefixes: [10.0.0.0/8]}]\n"
                           "latency_ms: {x: {near: 2, far: 30}}\n");
  bench.control.ask_reload();
  bench.step();
  for (const auto* where : {"/health", "/status"}) {
    CHECK(bench.get(where)["unknownNames"] == json::Value::array({"there is no host 'faraway'"}));
  }
}

TEST_CASE("planner: hosts without a place in the topology are told", "[planner]") {
  PlannerBench bench;
  bench.orchestrator.lists["hosts"].push_back(codec::to_json_with_status(test::host("odd"), 0));
  bench.step(2);
  const auto metric = [&] { return bench.ask("GET", "/metrics")->body; };
  for (const auto* where : {"/health", "/status", "/topology"}) {
    CHECK(bench.get(where)["hostsWithoutPlace"] == json::Value::array({"odd"}));
  }
  CHECK_THAT(metric(), ContainsSubstring("mx2_optimizer_hosts_without_place 1"));
  (void)bench.folder.write("topology.yaml",
                           "hosts: [{id: near}, {id: far}, {id: odd}]\n"
                           "attachments: [{name: x, prefixes: [10.0.0.0/8]}]\n"
                           "latency_ms: {x: {near: 2, far: 30}}\n");
  bench.control.ask_reload();
  bench.step();
  for (const auto* where : {"/health", "/status", "/topology"}) {
    CHECK_FALSE(bench.get(where).contains("hostsWithoutPlace"));
  }
  CHECK_THAT(metric(), ContainsSubstring("mx2_optimizer_hosts_without_place 0"));
}

TEST_CASE("planner: a new header is taken when its file changes, and on request",
          "[planner][reload]") {
  PlannerBench bench;
  const auto header = [&](const char* line) { return bench.folder.write("header", line); };
  (void)bench.folder.write("optimizer.yaml",
                           "orchestrator: {wait_ms: 0}\nadvantedge: {header_file: '" +
                               header("Cookie: session=1\n") + "'}\n");
  const auto sent = [&] {
    return bench.source.headers.empty() ? "" : bench.source.headers.front().second;
  };
  bench.step(3);
  CHECK(sent() == "session=1");
  (void)header("Cookie: session=22\n");
  bench.step(2);
  CHECK(sent() == "session=22");
  (void)header("no header\n");
  bench.step(2);
  CHECK(sent() == "session=22");
  CHECK_THAT(bench.get("/health")["configurationError"].get<std::string>(),
             ContainsSubstring("header_file"));
  (void)header("Cookie: session=333\n");  // what was wrong is looked at still
  bench.step(2);
  CHECK(sent() == "session=333");
  CHECK_FALSE(bench.get("/health").contains("configurationError"));
  CHECK_FALSE(bench.get("/health").contains("needsRestart"));
  (void)header("Cookie: session=4444\n");
  bench.control.ask_reload();
  bench.step();
  CHECK(sent() == "session=4444");
}

TEST_CASE("planner: a bad file is refused with all its errors", "[planner][reload]") {
  PlannerBench bench;
  bench.step();
  (void)bench.folder.write("optimizer.yaml", "period_ms: fast\npolicy: best\n");
  bench.control.ask_reload();
  bench.step();
  const auto error = bench.get("/health")["configurationError"].get<std::string>();
  CHECK_THAT(error, ContainsSubstring("optimizer.yaml:1:"));
  CHECK_THAT(error, ContainsSubstring("optimizer.yaml:2:"));
  CHECK(bench.get("/health")["status"] == "ok");
  (void)bench.folder.write("optimizer.yaml", "period_ms: 7000\nserver: {port: 1}\n");
  bench.step(2);
  CHECK_FALSE(bench.get("/health").contains("configurationError"));
  CHECK(bench.get("/health")["needsRestart"] == "server.port");
  CHECK(bench.get("/status")["nextMs"] == 7000);
}

TEST_CASE("planner: a bad entry of the topology is refused while one is running",
          "[planner][reload]") {
  PlannerBench bench;
  bench.step();
  (void)bench.folder.write("topology.yaml", "hosts: [{id: near, capacity: -1}]\n");
  bench.control.ask_reload();
  bench.step();
  CHECK_THAT(bench.get("/status")["configuration"]["error"].get<std::string>(),
             ContainsSubstring("topology.yaml:1:"));
}

}  // namespace
}  // namespace mx2::optimizer
