// ue_move_to_row_ms: in the large scenario, 10 000 UEs with a context each; a zonal presence
// notification says that one has moved, until the row of its new host is in the plan that is sent.
// ue_move_by_address_to_row_ms: the same among 100 000 contexts of devices that the network does
// not name; who has moved is known by its address. The orchestrator answers at once, within this
// process. Compared with a plan of everybody. One JSON object a line; median of the moves that
// change the host.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "api/operator/codec.h"
#include "optimizer/advantedge/live_source.h"
#include "optimizer/optimizer.h"
#include "tests/bench/large_scenario.h"

namespace mx2::bench {
namespace {

using Clock = std::chrono::steady_clock;
using json::Value;
using optimizer::Optimizer;
namespace advantedge = optimizer::advantedge;

constexpr int kMoves = 200;
constexpr int kContextsByAddress = 100'000;

enum class KnownBy { kName, kAddress };

// An orchestrator that has a context of every UE, as HTTP client.
class Orchestrator final : public http::Client {
 public:
  Orchestrator(const optimizer::Topology& topology, KnownBy known_by) {
    App app;
    app.info.app_d_id = app.info.app_name = "app";
    app.info.app_provider = app.info.app_soft_version = app.info.app_d_version = "1";
    app.info.app_description = "d";
    app.info.app_charcs = AppCharcs{};
    lists_["apps"] = {codec::to_json(app)};
    for (const auto& [id, extra] : topology.hosts) {
      Host host;
      host.id = id;
      host.instances = {{"app", "i-" + id, "http://" + id}};
      lists_["hosts"].push_back(codec::to_json_with_status(host, 0));
    }
    auto& contexts = lists_["contexts"];
    for (const auto& attachment : topology.attachments) {
      for (const auto& ue : attachment.devices) {  // its name is its address
        const auto number = std::to_string(contexts.size());
        contexts.push_back(known_by == KnownBy::kName ? context(ue, "")
                                                      : context("phone-" + number, ue));
      }
    }
    for (int i = 0; known_by == KnownBy::kAddress && contexts.size() < kContextsByAddress; ++i) {
      const auto ip = "172.16." + std::to_string(i / 250 % 250) + "." + std::to_string(i % 250);
      contexts.push_back(context("other-" + std::to_string(i), ip));
    }
    lists_["table"] = Value::array();
  }

  Result<http::Reply> send(const std::string& method, const std::string& url, const http::Headers&,
                           const std::string& body) override {
    const auto path = url.substr(url.find("/operator/v1/") + 13);
    if (method == "POST") {
      rows = static_cast<std::size_t>(std::count(body.begin(), body.end(), '\n'));
      return reply({{"tableVersion", ++version_}});
    }
    if (path == "snapshot") return reply({{"position", 1}, {"tableVersion", version_}});
    if (path.starts_with("changes")) {
      return reply({{"position", 1}, {"changes", Value::array()}});
    }
    return reply({{"items", lists_[path.substr(0, path.find('?'))]}});
  }

  std::size_t rows = 0;  // of the last plan

 private:
  static http::Reply reply(const Value& value) { return http::json_reply(200, json::dump(value)); }
  static Value context(const std::string& device, const std::string& ip) {
    return {{"contextId", "c-" + device},
            {"app", "app"},
            {"associateDevAppId", device},
            {"clientIp", ip},
            {"host", ""},
            {"referenceURI", "http://x"},
            {"created", "2026-01-01T00:00:00.000Z"},
            {"callback", false}};
  }

  std::map<std::string, Value> lists_;
  std::uint64_t version_ = 1;
};

class Sandbox final : public http::Client {
 public:
  Result<http::Reply> send(const std::string&, const std::string&, const http::Headers&,
                           const std::string&) override {
    return http::json_reply(200, large_scenario());
  }
};

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

std::string notice(int zone, int point, int ue, int to_zone) {
  const auto dot = [](int a, int b, int c) {
    return "10." + std::to_string(a) + "." + std::to_string(b) + "." + std::to_string(c);
  };
  const auto to = std::to_string(to_zone);
  return R"({"zonalPresenceNotification":{"address":")" + dot(zone, point, ue) +
         R"(","zoneId":"zone-)" + to + R"(-0","currentAccessPointId":"poa-)" + to +
         R"(-5","userEventType":"Entering"}})";
}

int run(const char* name, KnownBy known_by) {
  Sandbox sandbox;
  const SteadyClock clock;
  const SystemClock wall;
  advantedge::LiveSource source({sandbox, sandbox, sandbox},
                                {{"http://s", "http://s", {}}, {}, 1000, "", ""}, clock, wall,
                                [] {});
  (void)source.step();
  const auto news = source.take();
  if (!news) fail(source.state().error);
  Orchestrator orchestrator(*news->topology, known_by);
  optimizer::OptimizerOptions options;
  options.stability.moves_max = 1'000'000;
  Optimizer optimizer(orchestrator, orchestrator, options, {}, clock);
  optimizer.use(*news);
  if (!optimizer.plan(false)) fail("the first plan failed");

  std::vector<double> moves;
  for (int i = 0; i < kMoves; ++i) {
    const auto zone = i % kScenarioZones;
    const auto body = notice(zone, 3 + i / kScenarioZones, i % kUesOfPoint, (zone * 7 + 31) % 100);
    orchestrator.rows = 0;
    const auto begin = Clock::now();
    (void)source.notify(body);
    if (const auto told = source.take()) optimizer.use(*told);
    const auto placed = optimizer.place_moved();
    if (!placed || !*placed) fail("a UE was not placed on its own");
    if (orchestrator.rows == 1) moves.push_back(ms_since(begin));
  }
  const auto begin = Clock::now();
  if (!optimizer.plan(false)) fail("the last plan failed");
  const auto whole_ms = ms_since(begin);
  const auto ms = median(moves);
  std::printf(
      "{\"bench\":\"%s\",\"value\":%.2f,\"unit\":\"ms\",\"ratio\":%.3f,"
      "\"against\":\"a plan of everybody\",\"plan_ms\":%.1f,\"moves\":%zu}\n",
      name, ms, ms / whole_ms, whole_ms, moves.size());
  return moves.empty() ? 1 : 0;
}

}  // namespace
}  // namespace mx2::bench

int main() {
  using mx2::bench::KnownBy;
  return mx2::bench::run("ue_move_to_row_ms", KnownBy::kName) |
         mx2::bench::run("ue_move_by_address_to_row_ms", KnownBy::kAddress);
}
