// An emulated host in real time: what it answers, and when at the earliest.
#include "emulator/real/host_server.h"

#include <future>

#include "tests/catch.h"

namespace mx2::emulator {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kThereAndBack = std::chrono::milliseconds(80);  // from one cell to the other
constexpr auto kLong = std::chrono::seconds(10);

// λ that take no time, on a host in each of two cells.
constexpr const char* kTwoCells = R"(
lambdas: [{id: face, ops_offset: 1, ops_per_byte: 0}, {id: big, memory_offset: 1.0e+15}]
hosts: [{id: north}, {id: south}]
network: {shape: line, hop_ms: 40, hop_mbps: 1.0e+5}
)";

Scenario two_cells() {
  auto scenario = read_scenario(*config::parse_yaml(kTwoCells, "test.yaml"));
  if (!scenario) FAIL(scenario.error().detail);
  return *scenario;
}

class Sink final : public http::Responder::Sink {
 public:
  explicit Sink(std::promise<http::Reply>& reply) : reply_(reply) {}
  void send(http::Reply reply) noexcept override { reply_.set_value(std::move(reply)); }

 private:
  std::promise<http::Reply>& reply_;
};

http::Reply call(HostServer& host, const std::string& path, const std::string& from = "") {
  http::Request request;
  request.method = "POST";
  request.path = path;
  request.body = "1234";
  if (!from.empty()) request.headers.emplace_back(kFromCell, from);
  std::promise<http::Reply> promise;
  auto reply = promise.get_future();
  host.handle(std::move(request), http::Responder(std::make_unique<Sink>(promise)));
  REQUIRE(reply.wait_for(kLong) == std::future_status::ready);
  return reply.get();
}

}  // namespace

TEST_CASE("Host in real time: its answer names it and is as long as the scenario says") {
  const auto scenario = two_cells();
  HostServer south(scenario, 1, 1);
  const auto reply = call(south, "/face");
  CHECK(reply.status == 200);
  CHECK(reply.body.size() == scenario.ues.response_bytes);
  CHECK(reply.body.starts_with("south\nA"));
  CHECK(call(south, "/voice").status == 404);
  CHECK(call(south, "/big").status == 503);
}

TEST_CASE("Host in real time: what a dispatcher elsewhere forwards takes the way there and back") {
  const auto scenario = two_cells();
  HostServer south(scenario, 1, 1);
  for (const std::string path : {"/face", "/big"}) {  // also what is refused
    const auto begin = Clock::now();
    (void)call(south, path, "0");
    CHECK(Clock::now() - begin >= kThereAndBack);
  }
}

TEST_CASE("Host in real time: from its own cell, or from none that exists, there is no way") {
  const auto scenario = two_cells();
  HostServer south(scenario, 1, 1);
  auto least = Clock::duration::max();
  for (const std::string from : {"1", "2", "99999999999", "-1", "junk", ""}) {
    const auto begin = Clock::now();
    CHECK(call(south, "/face", from).status == 200);
    least = std::min(least, Clock::now() - begin);
  }
  CHECK(least < kThereAndBack);
}

}  // namespace mx2::emulator
