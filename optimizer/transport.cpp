#include "optimizer/transport.h"

#include <lemon/network_simplex.h>
#include <lemon/smart_graph.h>

#include <algorithm>
#include <limits>
#include <optional>

namespace mx2::optimizer {
namespace {

using lemon::SmartDigraph;

constexpr std::size_t kFirstArcs = 5;  // hosts each source starts with
constexpr std::size_t kAddedArcs = 2;  // at most so many more in each round
constexpr std::size_t kAddedStays = 4;
// LEMON's artificial arcs cost half of what the type holds; sums of real costs stay far below.
constexpr std::int64_t kFlowSumMax = std::numeric_limits<std::int64_t>::max() / 16;

struct Arc {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::int64_t width = 0;
  std::int64_t cost = 0;
  std::int64_t flow = 0;
};

// Costs by arc; LEMON's own maps do not take 128 bits.
template <typename Cost>
struct CostMap {
  using Key = SmartDigraph::Arc;
  using Value = Cost;
  const std::vector<Cost>& values;
  Value operator[](const Key& arc) const {
    return values[static_cast<std::size_t>(SmartDigraph::id(arc))];
  }
};

// A network with its optimal flow and potentials. When arcs are added it goes on from there: what
// is left to solve is a circulation in the residual network at reduced costs, where only the new
// arcs can cost less than nothing. The simplex then needs few steps, on small trees.
template <typename Cost>
class Network {
 public:
  using Simplex = lemon::NetworkSimplex<SmartDigraph, std::int64_t, Cost>;

  std::uint32_t add_node(std::int64_t supply) {
    supply_.push_back(supply);
    potential_.push_back(0);
    return static_cast<std::uint32_t>(supply_.size() - 1);
  }
  std::size_t add_arc(const Arc& arc) {
    arcs_.push_back(arc);
    return arcs_.size() - 1;
  }
  [[nodiscard]] const Arc& arc(std::size_t index) const { return arcs_[index]; }
  [[nodiscard]] Cost potential(std::uint32_t node) const { return potential_[node]; }
  [[nodiscard]] std::size_t nodes() const { return supply_.size(); }

  // False if there is no optimum.
  [[nodiscard]] bool solve() {
    SmartDigraph graph;
    graph.reserveNode(static_cast<int>(nodes()));
    for (std::size_t i = 0; i < nodes(); ++i) graph.addNode();
    SmartDigraph::ArcMap<std::int64_t> widths(graph);
    std::vector<Cost> costs;  // by arc
    SmartDigraph::NodeMap<std::int64_t> supply(graph);
    for (std::size_t i = 0; i < nodes(); ++i) supply[SmartDigraph::nodeFromId(int(i))] = supply_[i];
    std::vector<std::pair<std::size_t, int>> origins;  // arc, and the direction of its flow
    const auto add = [&](std::size_t i, int sign, std::int64_t width) {
      const auto& arc = arcs_[i];
      const auto from = SmartDigraph::nodeFromId(static_cast<int>(sign > 0 ? arc.from : arc.to));
      const auto to = SmartDigraph::nodeFromId(static_cast<int>(sign > 0 ? arc.to : arc.from));
      const auto added = graph.addArc(from, to);
      widths[added] = width;
      costs.push_back(sign * (arc.cost + potential_[arc.from] - potential_[arc.to]));
      origins.emplace_back(i, sign);
    };
    for (std::size_t i = 0; i < arcs_.size(); ++i) {
      if (arcs_[i].flow < arcs_[i].width) add(i, 1, arcs_[i].width - arcs_[i].flow);
      if (arcs_[i].flow > 0) add(i, -1, arcs_[i].flow);
    }
    Simplex simplex(graph);
    simplex.upperMap(widths).costMap(CostMap<Cost>{costs}).supplyMap(supply);
    if (simplex.run() != Simplex::OPTIMAL) return false;
    for (std::size_t k = 0; k < origins.size(); ++k) {
      const auto [i, sign] = origins[k];
      arcs_[i].flow += sign * simplex.flow(SmartDigraph::arcFromId(static_cast<int>(k)));
    }
    for (std::size_t i = 0; i < nodes(); ++i) {
      potential_[i] += simplex.potential(SmartDigraph::nodeFromId(static_cast<int>(i)));
    }
    supply_.assign(supply_.size(), 0);  // it is on its way now
    lower_idle_potentials();
    return true;
  }

 private:
  // A node that nothing passes may have any potential that its arcs allow: it gets the least, so
  // that arcs to it are judged by what is beyond, and all potentials are sums of real costs.
  void lower_idle_potentials() {
    std::vector<bool> idle(nodes(), true);
    for (const auto& arc : arcs_) {
      if (arc.flow > 0) idle[arc.from] = idle[arc.to] = false;
    }
    std::vector<std::optional<Cost>> least(nodes());
    for (const auto& arc : arcs_) {
      if (!idle[arc.from]) continue;
      const Cost allowed = potential_[arc.to] - arc.cost;
      least[arc.from] = std::max(least[arc.from].value_or(allowed), allowed);
    }
    for (std::size_t i = 0; i < nodes(); ++i) {
      if (least[i]) potential_[i] = *least[i];
    }
  }

  std::vector<Arc> arcs_;
  std::vector<std::int64_t> supply_;  // that is not on its way yet
  std::vector<Cost> potential_;
};

template <typename Cost>
class Solver {
 public:
  explicit Solver(const Transport& problem) : problem_(problem), used_(problem.cost.size()) {
    for (const auto& source : problem.sources) total_ += source.units;
    add_nodes();
    add_sinks();
    for (std::size_t s = 0; s < problem.sources.size(); ++s) add_source(s);
  }

  Result<TransportFlow> solve() {
    TransportFlow result;
    do {
      ++result.rounds;
      if (!network_.solve()) return internal("network simplex found no optimum");
    } while (price());
    result.arcs = arcs_.size();
    result.parts = flows();
    return result;
  }

 private:
  struct HostArc {
    std::size_t arc;
    Index source;
    Index host;
  };

  void add_nodes() {
    sink_ = network_.add_node(-total_);
    for (const auto& source : problem_.sources) {
      sources_.push_back(network_.add_node(source.units));
    }
    for (std::size_t i = 0; i < problem_.hosts.size(); ++i) hosts_.push_back(network_.add_node(0));
    for (std::size_t i = 0; i < problem_.refusals.size(); ++i) {
      refusals_.push_back(network_.add_node(0));
    }
  }

  std::size_t add_arc(std::uint32_t from, std::uint32_t to, std::int64_t width, std::int64_t cost) {
    return network_.add_arc({from, to, std::min(width, total_), cost, 0});
  }

  void add_sinks() {
    for (std::size_t h = 0; h < problem_.hosts.size(); ++h) {
      for (const auto& segment : problem_.hosts[h]) {
        add_arc(hosts_[h], sink_, segment.units, segment.cost_us);
      }
    }
    for (std::size_t r = 0; r < problem_.refusals.size(); ++r) {
      const auto& segments = problem_.refusals[r];
      for (std::size_t i = 0; i < segments.size(); ++i) {
        const bool last = i + 1 == segments.size();
        add_arc(refusals_[r], sink_, last ? total_ : segments[i].units, segments[i].cost_us);
      }
    }
  }

  void add_source(std::size_t s) {
    const auto& source = problem_.sources[s];
    add_arc(sources_[s], refusals_[source.refusal], total_, source.refusal_cost);
    candidates_.clear();
    for (Index h = 0; h < hosts_.size(); ++h) {
      if (usable(s, h)) candidates_.emplace_back(problem_.cost_of(s, h), h);
    }
    add_best(s, kFirstArcs);
    const auto enough = candidates_.size() < kFirstArcs ? std::numeric_limits<std::int64_t>::max()
                                                        : candidates_[kFirstArcs - 1].first;
    auto& stays = waiting_.emplace_back(source.stays);
    add_stays(s, std::partition(stays.begin(), stays.end(),
                                [&](const auto& stay) { return stay.cost <= enough; }));
  }

  // Those of the source's stays that wait, up to `end`, come into the network.
  void add_stays(std::size_t s, std::vector<Transport::Stay>::iterator end) {
    auto& stays = waiting_[s];
    for (auto stay = stays.begin(); stay != end; ++stay) {
      const auto arc = add_arc(sources_[s], hosts_[stay->host], stay->units, stay->cost);
      arcs_.push_back({arc, static_cast<Index>(s), stay->host});
    }
    stays.erase(stays.begin(), end);
  }

  // Few of those that could help: most look better than they are while others are missing.
  void price_stays(std::size_t s) {
    auto& stays = waiting_[s];
    const auto potential = network_.potential(sources_[s]);
    const auto reduced = [&](const Transport::Stay& stay) -> Cost {
      return stay.cost + potential - network_.potential(hosts_[stay.host]);
    };
    const auto most = static_cast<std::ptrdiff_t>(std::min(kAddedStays, stays.size()));
    std::partial_sort(stays.begin(), stays.begin() + most, stays.end(),
                      [&](const auto& a, const auto& b) { return reduced(a) < reduced(b); });
    add_stays(s, std::find_if(stays.begin(), stays.begin() + most,
                              [&](const auto& stay) { return reduced(stay) >= 0; }));
  }

  [[nodiscard]] bool usable(std::size_t s, Index h) const {
    return problem_.cost_of(s, h) != Transport::kForbidden && !problem_.hosts[h].empty();
  }

  void add_best(std::size_t s, std::size_t most) {
    const auto count = std::min(most, candidates_.size());
    const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(count);
    std::partial_sort(candidates_.begin(), end, candidates_.end());
    for (auto it = candidates_.begin(); it != end; ++it) {
      const auto h = it->second;
      const auto arc = add_arc(sources_[s], hosts_[h], total_, problem_.cost_of(s, h));
      arcs_.push_back({arc, static_cast<Index>(s), h});
      used_[s * hosts_.size() + h] = true;
    }
  }

  // Adds the arcs that could lower the cost; false when there are none, which proves the optimum.
  bool price() {
    const auto before = arcs_.size();
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      const auto potential = network_.potential(sources_[s]);
      candidates_.clear();
      for (Index h = 0; h < hosts_.size(); ++h) {
        if (used_[s * hosts_.size() + h] || !usable(s, h)) continue;
        const auto reduced = problem_.cost_of(s, h) + potential - network_.potential(hosts_[h]);
        if (reduced < 0) candidates_.emplace_back(reduced, h);
      }
      if (!candidates_.empty()) add_best(s, kAddedArcs);
      price_stays(s);
    }
    return arcs_.size() > before;
  }

  [[nodiscard]] std::vector<std::vector<TransportFlow::Part>> flows() const {
    std::vector<std::vector<TransportFlow::Part>> parts(sources_.size());
    for (const auto& arc : arcs_) {
      const auto units = network_.arc(arc.arc).flow;
      if (units == 0) continue;
      auto& of_source = parts[arc.source];
      const auto it = std::find_if(of_source.begin(), of_source.end(),
                                   [&](const auto& part) { return part.host == arc.host; });
      if (it == of_source.end()) {
        of_source.push_back({arc.host, units});
      } else {
        it->units += units;
      }
    }
    for (auto& of_source : parts) {
      std::sort(of_source.begin(), of_source.end(),
                [](const auto& a, const auto& b) { return a.host < b.host; });
    }
    return parts;
  }

  const Transport& problem_;
  Network<Cost> network_;
  std::uint32_t sink_ = 0;
  std::vector<std::uint32_t> sources_, hosts_, refusals_;
  std::vector<HostArc> arcs_;
  std::vector<bool> used_;
  std::vector<std::vector<Transport::Stay>> waiting_;  // of each source, not in the network yet
  std::vector<std::pair<Cost, Index>> candidates_;
  std::int64_t total_ = 0;
};

std::int64_t cost_max(const Transport& problem) {
  std::int64_t most = 0;
  for (const auto cost : problem.cost) most = std::max(most, cost);
  for (const auto* segments : {&problem.hosts, &problem.refusals}) {
    for (const auto& list : *segments) {
      for (const auto& segment : list) most = std::max(most, segment.cost_us);
    }
  }
  for (const auto& source : problem.sources) {
    most = std::max(most, source.refusal_cost);
    for (const auto& stay : source.stays) most = std::max(most, stay.cost);
  }
  return most;
}

// Potentials are costs of paths, and reduced costs one more arc's with two of them.
bool fits(const Transport& problem) {
  const auto arcs = 2 * (problem.hosts.size() + problem.refusals.size() + 1) + 2;
  return cost_max(problem) < kFlowSumMax / static_cast<std::int64_t>(3 * arcs + 1);
}

}  // namespace

Result<TransportFlow> solve(const Transport& problem) {
  if (problem.sources.empty()) return TransportFlow{};
  if (fits(problem)) return Solver<std::int64_t>(problem).solve();
  auto flow = Solver<Wide>(problem).solve();
  if (flow) flow->wide = true;
  return flow;
}

}  // namespace mx2::optimizer
