#include "optimizer/reasons.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "optimizer/evaluation.h"
#include "optimizer/feasibility.h"

namespace mx2::optimizer {
namespace {

std::string contexts_text(std::int64_t count) {
  return count == 1 ? "1 context" : fmt::format("{} contexts", count);
}

// Where each would be cheapest if every host had room; asked once for all who are alike.
class Wishes {
 public:
  explicit Wishes(const Snapshot& snapshot) : snapshot_(snapshot), feasible_(snapshot) {}

  // kNone: no host may serve it, whatever its room.
  Index best(const Demand& demand) {
    const auto [it, fresh] =
        best_.try_emplace(std::tuple(demand.app, demand.attachment, demand.area), kNone);
    if (fresh) {
      it->second = cheapest_host(snapshot_, demand, [&](Index h) { return could(demand, h); });
    }
    return it->second;
  }

 private:
  [[nodiscard]] bool could(const Demand& demand, Index host) const {
    const auto verdict = feasible_.verdict(demand, kNone, host);
    return verdict == Verdict::kFeasible || verdict == Verdict::kNoCapacity ||
           verdict == Verdict::kMemoryFull;
  }

  const Snapshot& snapshot_;
  const Feasibility feasible_;
  std::map<std::tuple<Index, Index, Index>, Index> best_;
};

// What keeps contexts from where they would be best off.
struct Kept {
  std::vector<std::int64_t> out_of;  // by host, as it is full: contexts
  std::vector<std::int64_t> load;    // by host: load units
  std::int64_t resting = 0;          // as they have moved lately: contexts
  std::int64_t homeless = 0;         // that no host may serve: contexts
  std::int64_t contexts = 0;
};

bool is_better(const Snapshot& snapshot, const Demand& demand, Index host, Index than) {
  const auto cost = [&](Index h) {
    return context_cost(snapshot, demand.app, demand.attachment, h).total();
  };
  return than == kNone || (host != than && cost(host) < cost(than));
}

bool is_full(const HostModel& host, std::int64_t load, std::int64_t weight) {
  return host.memory_full || load + weight > host.capacity;
}

void count_kept(Kept& kept, const Snapshot& snapshot, const Group& group, Index at, Index best) {
  kept.contexts += group.contexts;
  if (group.is_pinned()) return;
  if (best == kNone && at == kNone) kept.homeless += group.contexts;
  if (best == kNone || !is_better(snapshot, group, best, at)) return;
  const auto weight = snapshot.apps[group.app].weight;
  if (is_full(snapshot.hosts[best], kept.load[best], weight)) {
    kept.out_of[best] += group.contexts;
  } else if (group.resting) {
    kept.resting += group.contexts;
  }
}

Kept kept_of(const Decision& decision) {
  const auto& snapshot = decision.snapshot;
  Kept kept;
  kept.out_of.resize(snapshot.hosts.size());
  kept.load = load_of(snapshot, decision.placement);
  Wishes wishes(snapshot);
  for (std::size_t g = 0; g < snapshot.groups.size(); ++g) {
    const auto& group = snapshot.groups[g];
    count_kept(kept, snapshot, group, decision.placement.host_of_group[g], wishes.best(group));
  }
  return kept;
}

std::string why_full(const HostModel& host, std::int64_t load) {
  if (host.memory_full) return "its memory is in use (measurement.memory_percent_max)";
  if (host.background == 0)
    return fmt::format("{} of {} load units are in use", load, host.capacity);
  const auto given = host.capacity + host.background;
  const auto cores = static_cast<double>(host.cores) * static_cast<double>(host.background) /
                     static_cast<double>(given);
  return fmt::format("background load {:.1f} of {} cores leaves {} of {} load units, {} in use",
                     cores, host.cores, host.capacity, given, load);
}

std::string full_text(const Snapshot& snapshot, const Kept& kept, Index h) {
  const auto& host = snapshot.hosts[h];
  return fmt::format("host {} is full because {}; {} would be better off there", host.id,
                     why_full(host, kept.load[h]), contexts_text(kept.out_of[h]));
}

// The most wanted first.
std::vector<Index> wanted_hosts(const Kept& kept) {
  std::vector<Index> hosts;
  for (Index h = 0; h < kept.out_of.size(); ++h) {
    if (kept.out_of[h] > 0) hosts.push_back(h);
  }
  std::stable_sort(hosts.begin(), hosts.end(),
                   [&](Index a, Index b) { return kept.out_of[a] > kept.out_of[b]; });
  return hosts;
}

}  // namespace

std::vector<std::string> reasons(const Decision& decision, std::size_t rows) {
  const auto kept = kept_of(decision);
  std::vector<std::string> told;
  const auto wanted = wanted_hosts(kept);
  for (const auto h : wanted) {
    if (told.size() < kReasonsMax) told.push_back(full_text(decision.snapshot, kept, h));
  }
  if (wanted.size() > told.size()) {
    told.push_back(fmt::format("{} more hosts are full", wanted.size() - told.size()));
  }
  if (kept.homeless > 0) {
    told.push_back(contexts_text(kept.homeless) + " cannot be served by any host");
  }
  if (kept.resting > 0) {
    told.push_back(contexts_text(kept.resting) +
                   " moved lately, so better hosts wait (stability.dwell_ms)");
  }
  if (rows > 0) return told;
  if (told.empty()) {
    told.emplace_back(kept.contexts == 0 ? "there are no contexts"
                                         : "nobody gains enough by a move");
  }
  told.front() = "no plan: " + told.front();
  return told;
}

}  // namespace mx2::optimizer
