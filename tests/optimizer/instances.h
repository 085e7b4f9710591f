// Snapshots for the tests of the optimizer: hand-made ones and random ones, from a seed.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "optimizer/model.h"
#include "optimizer/transport.h"

namespace mx2::optimizer::test {

// Whole numbers from [least, most], the same on every platform.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::int64_t roll(std::int64_t least, std::int64_t most) {
    return least +
           static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(most - least + 1));
  }
  bool one_in(std::int64_t n) { return roll(1, n) == 1; }

 private:
  std::mt19937_64 engine_;
};

// The flow of least cost as policy min-cost-flow finds it, without limits of the response time.
struct Solved {
  std::size_t classes = 0;
  TransportFlow flow;
};
Solved solved(const Snapshot& snapshot);

HostModel host(const std::string& id, std::int64_t capacity, Tier tier = Tier::kEdge);
AppModel app(const std::string& id);

// `count` contexts of one app at one attachment, now at `at`.
void add_groups(Snapshot& snapshot, std::size_t count, Index app, Index attachment,
                Index at = kNone);
// Names the groups "dev:ue-0", …, and sets the latencies, in µs, row by row.
void finish(Snapshot& snapshot, const std::vector<std::vector<std::int32_t>>& latency_us);

// Small, of any kind: capacities too, unknown and unreachable hosts, tiers, classes of service,
// hosts that are down, too little room for everybody. Every third has 8 to 24 hosts, more than a
// solver begins with for each source, and more UEs.
Snapshot random_snapshot(std::uint64_t seed);
// The same, as it is after calm(): leaving costs something, some rest, some hosts take nobody from
// above.
Snapshot random_calmed_snapshot(std::uint64_t seed);

struct LargeInstance {
  std::size_t contexts = 1'000'000;
  std::size_t attachments = 1000;
  std::size_t apps = 20;
  std::size_t hosts = 200;
};

// A country: attachments and edge hosts on a plane, one regional host for every ten, two clouds;
// the edge has room for four fifths of the demand. Nobody is anywhere yet.
Snapshot large_snapshot(const LargeInstance& size, std::uint64_t seed);

}  // namespace mx2::optimizer::test
