#include "emulator/network.h"

#include <cmath>

namespace mx2::emulator {
namespace {

constexpr double kNsPerByteAtMbps = 8000;  // 8 bits at 1 Mb/s
constexpr std::uint32_t kUnknown = ~0U;

}  // namespace

Network::Network(const NetworkSpec& spec)
    : cells_(spec.cells),
      hop_delay_(from_ms(spec.hop_ms)),
      access_delay_(from_ms(spec.access_ms)),
      ns_per_access_byte_(kNsPerByteAtMbps / spec.access_mbps),
      ns_per_hop_byte_(kNsPerByteAtMbps / spec.hop_mbps),
      overhead_(spec.overhead_bytes),
      neighbours_(spec.cells),
      links_from_(spec.cells),
      next_(static_cast<std::size_t>(spec.cells) * spec.cells),
      hops_(next_.size(), kUnknown) {
  build(spec.shape);
  for (std::uint32_t cell = 0; cell < cells_; ++cell) route_to(cell);
}

void Network::connect(std::uint32_t a, std::uint32_t b) {
  for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
    neighbours_[from].push_back(to);
    links_from_[from].push_back(static_cast<std::uint32_t>(links_.size()));
    links_.push_back({from, to, 0, 0});
  }
}

// A grid as square as can be; its last row may be incomplete.
void Network::build(NetworkSpec::Shape shape) {
  const auto columns = shape == NetworkSpec::Shape::kGrid
                           ? static_cast<std::uint32_t>(std::ceil(std::sqrt(cells_)))
                           : cells_;
  for (std::uint32_t cell = 0; cell < cells_; ++cell) {
    if (cell % columns + 1 < columns && cell + 1 < cells_) connect(cell, cell + 1);
    if (cell + columns < cells_) connect(cell, cell + columns);
  }
  if (shape == NetworkSpec::Shape::kRing && cells_ > 2) connect(cells_ - 1, 0);
}

// Breadth first from the target, so that each cell's first step is known.
void Network::route_to(std::uint32_t target) {
  std::vector<std::uint32_t> reached = {target};
  hops_[target * cells_ + target] = 0;
  for (std::size_t i = 0; i < reached.size(); ++i) {
    const auto cell = reached[i];
    for (const auto from : neighbours_[cell]) {
      auto& hops = hops_[from * cells_ + target];
      if (hops != kUnknown) continue;
      hops = hops_[cell * cells_ + target] + 1;
      for (std::size_t k = 0; k < neighbours_[from].size(); ++k) {
        if (neighbours_[from][k] == cell) next_[from * cells_ + target] = links_from_[from][k];
      }
      reached.push_back(from);
    }
  }
}

void Network::count(std::uint32_t from, std::uint32_t to, std::uint32_t bytes) {
  while (from != to) {
    auto& link = links_[next_[from * cells_ + to]];
    link.bytes += bytes;
    from = link.to;
  }
}

}  // namespace mx2::emulator
