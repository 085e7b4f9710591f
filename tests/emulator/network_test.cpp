#include "emulator/network.h"

#include "tests/catch.h"

namespace mx2::emulator {
namespace {

NetworkSpec spec(NetworkSpec::Shape shape, std::uint32_t cells) {
  NetworkSpec network;
  network.shape = shape;
  network.cells = cells;
  network.overhead_bytes = 0;
  return network;
}

}  // namespace

TEST_CASE("Routes have the fewest hops") {
  const Network line(spec(NetworkSpec::Shape::kLine, 5));
  CHECK(line.hops(0, 4) == 4);
  const Network ring(spec(NetworkSpec::Shape::kRing, 5));
  CHECK(ring.hops(0, 4) == 1);
  CHECK(ring.hops(0, 2) == 2);
  const Network grid(spec(NetworkSpec::Shape::kGrid, 9));
  CHECK(grid.hops(0, 8) == 4);
  CHECK(grid.neighbours(4).size() == 4);
  CHECK(grid.neighbours(0).size() == 2);
  const Network incomplete(spec(NetworkSpec::Shape::kGrid, 7));
  for (std::uint32_t cell = 0; cell < 7; ++cell) CHECK(incomplete.hops(cell, 0) <= 4);
}

TEST_CASE("A message is sent at the link's bandwidth and then travels") {
  Network network(spec(NetworkSpec::Shape::kLine, 2));
  const auto arrival = network.forward(0, 0, 1, 125'000, true);  // 10 ms at 100 Mb/s
  CHECK(arrival.cell == 1);
  CHECK(arrival.time == from_ms(20));
  CHECK(network.links()[0].bytes == 125'000);
}

TEST_CASE("A message waits for those before it in its direction only") {
  Network network(spec(NetworkSpec::Shape::kLine, 2));
  (void)network.forward(0, 0, 1, 125'000, true);
  CHECK(network.forward(from_ms(4), 0, 1, 125'000, true).time == from_ms(30));
  CHECK(network.forward(from_ms(4), 1, 0, 125'000, true).time == from_ms(24));
}

TEST_CASE("What is only counted crosses every link of its route") {
  Network network(spec(NetworkSpec::Shape::kLine, 4));
  network.count(0, 3, 700);
  std::uint64_t bytes = 0;
  for (const auto& link : network.links()) bytes += link.bytes;
  CHECK(bytes == 3 * 700);
}

}  // namespace mx2::emulator
