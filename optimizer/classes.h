// Groups that no cost can tell apart are one class: same app, attachment, area and size, and all
// of them somewhere or none. Where a class's groups are now, and whether they rest there, is a
// count for each host, since staying is an arc of its own (transport.h). A million contexts become
// some ten thousand classes. Only while some host takes nobody from above it matters from which
// tier a group would come.
#pragma once

#include <vector>

#include "optimizer/model.h"

namespace mx2::optimizer {

// What the groups of a class have alike.
struct ClassKey : Demand {
  std::uint32_t contexts = 1;  // of each group
  bool placed = false;         // its groups are at a host
  Tier tier = Tier::kEdge;     // of the hosts they are at, as far as it matters
  bool operator==(const ClassKey&) const = default;
};

struct DemandClass : ClassKey {
  std::uint32_t first = 0;  // in Classes::members
  std::uint32_t groups = 0;
};

struct Classes {
  std::vector<DemandClass> classes;
  std::vector<std::uint32_t>
      members;  // groups that may move: by class, present host, who rests first

  [[nodiscard]] std::uint32_t member(const DemandClass& c, std::uint32_t i) const {
    return members[c.first + i];
  }
};

[[nodiscard]] Classes classify(const Snapshot& snapshot);

}  // namespace mx2::optimizer
