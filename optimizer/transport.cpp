#include "optimizer/transport.h"

#include <lemon/network_simplex.h>
#include <lemon/smart_graph.h>

#include <algorithm>
#include <limits>

namespace mx2::optimizer {
namespace {

using lemon::SmartDigraph;
using Simplex = lemon::NetworkSimplex<SmartDigraph, std::int64_t, std::int64_t>;

constexpr std::size_t kFirstArcs = 5;  // hosts each source starts with
constexpr std::size_t kAddedArcs = 2;  // at most so many more in each round
constexpr std::int64_t kSumMax = std::numeric_limits<std::int64_t>::max() / 4;

class Network {
 public:
  explicit Network(const Transport& problem)
      : problem_(problem),
        widths_(graph_),
        costs_(graph_),
        supply_(graph_),
        used_(problem.cost.size()) {
    for (const auto& source : problem.sources) total_ += source.units;
    add_nodes();
    add_sinks();
    for (std::size_t s = 0; s < problem.sources.size(); ++s) add_source(s);
  }

  Result<TransportFlow> solve() {
    if (!fits()) return invalid_argument("costs are too large to be added up");
    TransportFlow result;
    while (true) {
      ++result.rounds;
      Simplex simplex(graph_);
      simplex.upperMap(widths_).costMap(costs_).supplyMap(supply_);
      if (simplex.run() != Simplex::OPTIMAL) return internal("network simplex found no optimum");
      if (price(simplex)) continue;
      result.arcs = arcs_.size();
      result.parts = flows(simplex);
      return result;
    }
  }

 private:
  struct HostArc {
    SmartDigraph::Arc arc;
    Index source;
    Index host;
  };

  void add_nodes() {
    sink_ = graph_.addNode();
    supply_[sink_] = -total_;
    for (const auto& source : problem_.sources) {
      sources_.push_back(graph_.addNode());
      supply_[sources_.back()] = source.units;
    }
    for (std::size_t i = 0; i < problem_.hosts.size(); ++i) hosts_.push_back(graph_.addNode());
    for (std::size_t i = 0; i < problem_.refusals.size(); ++i) {
      refusals_.push_back(graph_.addNode());
    }
  }

  SmartDigraph::Arc add_arc(SmartDigraph::Node from, SmartDigraph::Node to, std::int64_t width,
                            std::int64_t cost) {
    const auto arc = graph_.addArc(from, to);
    widths_[arc] = std::min(width, total_);
    costs_[arc] = cost;
    cost_max_ = std::max(cost_max_, cost);
    return arc;
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
    add_arc(sources_[s], refusals_[source.refusal], total_, 0);
    for (const auto& stay : source.stays) {
      const auto arc = add_arc(sources_[s], hosts_[stay.host], stay.units, stay.cost);
      arcs_.push_back({arc, static_cast<Index>(s), stay.host});
    }
    candidates_.clear();
    for (Index h = 0; h < hosts_.size(); ++h) {
      if (usable(s, h)) candidates_.emplace_back(problem_.cost_of(s, h), h);
    }
    add_best(s, kFirstArcs);
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

  // Artificial costs of the solver are far above kSumMax, so sums below it cannot reach them.
  [[nodiscard]] bool fits() const {
    auto most = cost_max_;
    for (const auto cost : problem_.cost) most = std::max(most, cost);
    const auto terms = std::max<std::int64_t>(total_, graph_.maxNodeId() + 1);
    return terms == 0 || most < kSumMax / (4 * terms);
  }

  // A host that nobody uses may ask as little as the duals of its own arcs allow.
  [[nodiscard]] std::vector<std::int64_t> host_prices(const Simplex& simplex) const {
    std::vector<std::int64_t> inflow(hosts_.size());
    for (const auto& arc : arcs_) inflow[arc.host] += simplex.flow(arc.arc);
    std::vector<std::int64_t> prices(hosts_.size());
    for (std::size_t h = 0; h < hosts_.size(); ++h) {
      const auto& segments = problem_.hosts[h];
      const bool idle = inflow[h] == 0 && !segments.empty();
      prices[h] =
          idle ? simplex.potential(sink_) - segments.front().cost_us : simplex.potential(hosts_[h]);
    }
    return prices;
  }

  // Adds the arcs that could lower the cost; false when there are none, which proves the optimum.
  bool price(const Simplex& simplex) {
    const auto prices = host_prices(simplex);
    const auto before = arcs_.size();
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      const auto potential = simplex.potential(sources_[s]);
      candidates_.clear();
      for (Index h = 0; h < hosts_.size(); ++h) {
        if (used_[s * hosts_.size() + h] || !usable(s, h)) continue;
        const auto reduced = problem_.cost_of(s, h) + potential - prices[h];
        if (reduced < 0) candidates_.emplace_back(reduced, h);
      }
      if (!candidates_.empty()) add_best(s, kAddedArcs);
    }
    return arcs_.size() > before;
  }

  [[nodiscard]] std::vector<std::vector<TransportFlow::Part>> flows(const Simplex& simplex) const {
    std::vector<std::vector<TransportFlow::Part>> parts(sources_.size());
    for (const auto& arc : arcs_) {
      const auto units = simplex.flow(arc.arc);
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
  SmartDigraph graph_;
  SmartDigraph::ArcMap<std::int64_t> widths_;
  SmartDigraph::ArcMap<std::int64_t> costs_;
  SmartDigraph::NodeMap<std::int64_t> supply_;
  SmartDigraph::Node sink_;
  std::vector<SmartDigraph::Node> sources_, hosts_, refusals_;
  std::vector<HostArc> arcs_;
  std::vector<bool> used_;
  std::vector<std::pair<std::int64_t, Index>> candidates_;
  std::int64_t total_ = 0;
  std::int64_t cost_max_ = 0;
};

}  // namespace

Result<TransportFlow> solve(const Transport& problem) {
  if (problem.sources.empty()) return TransportFlow{};
  return Network(problem).solve();
}

}  // namespace mx2::optimizer
