#include "optimizer/explain.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/base/units.h"
#include "optimizer/moves.h"

namespace mx2::optimizer {
namespace {

constexpr std::size_t kReasonCharsMax = 200;

std::string ms(std::int64_t us) {
  return fmt::format("{:.1f} ms", static_cast<double>(us) / kUsPerMs);
}

Candidate candidate(const Snapshot& snapshot, const Feasibility& feasible, const Group& group,
                    Index h, std::int64_t load_of_others) {
  Candidate result{context_cost(snapshot, group.app, group.attachment, h), h};
  result.verdict = feasible.verdict(group, group.host, h);
  result.latency_known = snapshot.latency.at(group.attachment, h) >= 0;
  const auto& host = snapshot.hosts[h];
  result.congestion_us =
      marginal_cost(congestion_segments(host), load_of_others) * snapshot.apps[group.app].weight;
  const bool moves = group.host != kNone && group.host != h;
  const auto& app = snapshot.apps[group.app];
  if (moves && group.to_come == 0) {
    result.migration_us = weighed(app, snapshot.cost.migration_us);
  }
  if (moves) {
    result.leaving_us = descent_cost(snapshot, group.app, snapshot.hosts[group.host].tier, h);
  }
  if (moves && feasible.may(group, group.host, group.host)) {
    result.leaving_us += leaving_cost(snapshot, group, group.host, group.resting);
  }
  result.full = load_of_others + load_of(snapshot, group) > host.capacity;
  return result;
}

auto rank(const Candidate& c) {
  return std::tuple(c.verdict != Verdict::kFeasible, c.total_us(), c.host);
}

std::string reason_of(const Snapshot& snapshot, const Choice& choice) {
  const auto& group = snapshot.groups[choice.group];
  if (group.is_pinned()) {
    return "it may not move: an operator's pin, or nobody can reach it";
  }
  if (group.resting && choice.chosen == group.host) return "it has moved lately and rests";
  if (choice.chosen == kNone) return "no host with room may serve it";
  std::string passed_over;
  for (const auto& c : choice.candidates) {
    if (c.host == choice.chosen) break;
    passed_over += (passed_over.empty() ? "" : ", ") + snapshot.hosts[c.host].id;
    passed_over += c.full ? " (full)" : " (better for others)";
  }
  const auto& id = snapshot.hosts[choice.chosen].id;
  if (passed_over.empty()) return id + " costs least";
  return id + " is part of the least total cost; cheaper for this one alone: " + passed_over;
}

}  // namespace

std::optional<Choice> explain(const Snapshot& snapshot, const Placement& placement,
                              const std::string& ue, const std::string& app) {
  const auto index = find_group(snapshot, find_app(snapshot, app), ue);
  if (!index) return std::nullopt;
  auto group = snapshot.groups[*index];
  const Feasibility feasible(snapshot);
  auto load = evaluate(snapshot, placement).load;
  Choice choice{*index, placement.host_of_group[*index], {}, {}};
  if (choice.chosen != kNone) load[choice.chosen] -= load_of(snapshot, group);
  for (auto i = *index + 1; i < end_of_ue(snapshot, *index); ++i) {
    load[snapshot.groups[i].host] -= load_of(snapshot, snapshot.groups[i]);
  }
  group.contexts += group.to_come;
  for (Index h = 0; h < snapshot.hosts.size(); ++h) {
    choice.candidates.push_back(candidate(snapshot, feasible, group, h, load[h]));
  }
  std::sort(choice.candidates.begin(), choice.candidates.end(),
            [](const Candidate& a, const Candidate& b) { return rank(a) < rank(b); });
  choice.reason = reason_of(snapshot, choice);
  if (group.to_come > 0) {
    choice.reason += "; for contexts to come, as those of strategy baseline keep their host";
  }
  return choice;
}

MoveReasons::MoveReasons(const Snapshot& snapshot, const Evaluation& before)
    : snapshot_(snapshot), feasible_(snapshot), load_(before.load) {}

bool MoveReasons::is_full(Index host) const {
  return load_[host] * 10 >= snapshot_.hosts[host].capacity * 9;
}

std::string MoveReasons::reason(std::size_t index, Index to, const std::string& policy) const {
  const auto& group = snapshot_.groups[index];
  const auto latency = [&](Index host) {
    const auto us = snapshot_.latency.at(group.attachment, host);
    return us < 0 ? std::string("unknown latency") : ms(us);
  };
  auto text = policy + ": " + latency(to);
  if (group.host != kNone) {
    const auto& from = snapshot_.hosts[group.host];
    text += " instead of " + latency(group.host);
    const auto verdict = feasible_.verdict(group, group.host, group.host);
    if (verdict != Verdict::kFeasible) {
      text += "; " + from.id + " " + std::string(to_text(verdict));
    } else if (is_full(group.host)) {
      text += "; " + from.id + " is full";
    }
  }
  return text.substr(0, kReasonCharsMax);
}

}  // namespace mx2::optimizer
