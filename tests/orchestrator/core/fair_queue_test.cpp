#include "orchestrator/core/fair_queue.h"

#include "tests/catch.h"

namespace mx2 {

TEST_CASE("fair queue: turns of owners, not of who has most", "[relocation]") {
  FairQueue queue;
  for (int i = 0; i < 3; ++i) queue.add("many", "m" + std::to_string(i));
  queue.add("few", "f0");
  CHECK(queue.first(2) == std::vector<std::string>{"m0", "f0"});
  queue.drop(1);
  queue.add("late", "l0");
  queue.add("late", "l1");
  CHECK(queue.first(10) == std::vector<std::string>{"f0", "l0", "m1", "l1", "m2"});
  queue.drop(10);
  CHECK(queue.empty());
  for (int i = 0; i < 1000; ++i) queue.add("owner " + std::to_string(i), std::to_string(i));
  queue.drop(999);
  queue.add("new", "n");
  CHECK(queue.first(10) == std::vector<std::string>{"999", "n"});
  CHECK(queue.size() == 2);
}

TEST_CASE("fair queue: who waits waits once, and may come back", "[relocation]") {
  FairQueue queue;
  for (int i = 0; i < 3; ++i) queue.add("owner", "a");
  queue.add("owner", "b");
  CHECK(queue.first(10) == std::vector<std::string>{"a", "b"});
  queue.drop(1);
  queue.add("owner", "a");
  CHECK(queue.first(10) == std::vector<std::string>{"b", "a"});
}

}  // namespace mx2
