// Cells, the links between neighbours, and what a message takes over them: on each link it waits
// for those before it, is sent at the link's bandwidth, and then travels (store and forward, first
// come first served, one queue for each direction). Routes have the fewest hops.
#pragma once

#include <cstdint>
#include <vector>

#include "emulator/scenario.h"
#include "emulator/time.h"

namespace mx2::emulator {

// A direction of a link between neighbours.
struct Link {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  Time busy_until = 0;
  std::uint64_t bytes = 0;
};

class Network {
 public:
  explicit Network(const NetworkSpec& spec);

  [[nodiscard]] std::uint32_t cells() const { return cells_; }
  [[nodiscard]] std::uint32_t hops(std::uint32_t from, std::uint32_t to) const {
    return hops_[from * cells_ + to];
  }
  [[nodiscard]] const std::vector<std::uint32_t>& neighbours(std::uint32_t cell) const {
    return neighbours_[cell];
  }
  // One way between two cells, without bandwidth.
  [[nodiscard]] Time delay(std::uint32_t from, std::uint32_t to) const {
    return hops(from, to) * hop_delay_;
  }
  [[nodiscard]] Time access_delay() const { return access_delay_; }
  // Of a message with its headers.
  [[nodiscard]] Time access_time(std::uint32_t bytes) const {
    return static_cast<Time>(ns_per_access_byte_ * static_cast<double>(bytes + overhead_));
  }
  [[nodiscard]] Time hop_time(std::uint32_t bytes) const {
    return static_cast<Time>(ns_per_hop_byte_ * static_cast<double>(bytes + overhead_));
  }
  [[nodiscard]] std::uint32_t overhead() const { return overhead_; }

  // A message of so many bytes is at `from` and goes on towards `to`, another cell: the next cell,
  // and when it is there. `counts`: its bytes are part of the result.
  struct Arrival {
    std::uint32_t cell = 0;
    Time time = 0;
  };
  Arrival forward(Time now, std::uint32_t from, std::uint32_t to, std::uint32_t bytes,
                  bool counts) {
    auto& link = links_[next_[from * cells_ + to]];
    const auto begin = now > link.busy_until ? now : link.busy_until;
    link.busy_until = begin + hop_time(bytes);
    if (counts) link.bytes += bytes + overhead_;
    return {link.to, link.busy_until + hop_delay_};
  }
  // Counts the bytes on the way without queueing: what is rare and small.
  void count(std::uint32_t from, std::uint32_t to, std::uint32_t bytes);

  [[nodiscard]] const std::vector<Link>& links() const { return links_; }

 private:
  void connect(std::uint32_t a, std::uint32_t b);
  void build(NetworkSpec::Shape shape);
  void route_to(std::uint32_t target);

  std::uint32_t cells_;
  Time hop_delay_;
  Time access_delay_;
  double ns_per_access_byte_;
  double ns_per_hop_byte_;
  std::uint32_t overhead_;
  std::vector<std::vector<std::uint32_t>> neighbours_;
  std::vector<std::vector<std::uint32_t>> links_from_;  // beside neighbours_
  std::vector<Link> links_;
  std::vector<std::uint32_t> next_;  // from × to: index of the link
  std::vector<std::uint32_t> hops_;
};

}  // namespace mx2::emulator
