// AdvantEDGE scenarios, which come from the network: any document is read, what is used of it can be
// computed with, and problems are bounded. A second line is the answer about PDU sessions.
#include "optimizer/advantedge/topology_of.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace mx2::optimizer;              // NOLINT(google-build-using-namespace)
using namespace mx2::optimizer::advantedge;  // NOLINT(google-build-using-namespace)

void check_matrix(const Topology& topology) {
  const auto& us = topology.computed.us;
  for (Index a = 0; a < us.attachments(); ++a) {
    for (Index h = 0; h < topology.hosts.size(); ++h) {
      const auto value = us.at(a, h);
      mx2::fuzz::expect(value >= 0 || value == LatencyMatrix::kUnreachable, "a latency is known");
      const bool nowhere = !topology.attachments[a].connected;
      mx2::fuzz::expect(!nowhere || value < 0, "who is disconnected reaches nobody");
    }
  }
}

void check_moves(Scenario& scenario) {
  for (const auto& node : scenario.nodes) {
    const auto name = node.name;
    const auto from = attachment_of(scenario, name);
    mx2::fuzz::expect(from.empty() == node.is_host(), "UEs have attachments");
    const auto& to = scenario.locations[scenario.locations.size() / 2].name;
    const bool moved = move_ue(scenario, name, to);
    mx2::fuzz::expect(moved != node.is_host(), "UEs move");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = mx2::fuzz::text_of(data, size);
  const auto end = text.find('\n');
  const auto document = mx2::json::parse(text.substr(0, end));
  if (!document) return 0;
  auto scenario = read_scenario(*document);
  if (end != std::string_view::npos) {
    const auto sessions = mx2::json::parse(text.substr(end + 1));
    if (sessions) scenario.pdu_sessions = read_pdu_sessions(*sessions, scenario.problems);
  }
  auto topology = topology_of(scenario, {});
  mx2::fuzz::expect(topology.problems.size() <= kProblemsMax, "problems are bounded");
  check_matrix(topology);
  check_moves(scenario);
  return 0;
}
