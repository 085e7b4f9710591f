// Optimizer::place_moved(): UEs that were handed over do not wait for the next plan.
#include <algorithm>
#include <array>
#include <map>

#include "optimizer/moves.h"
#include "optimizer/optimizer.h"
#include "optimizer/policy.h"

namespace mx2::optimizer {
namespace {

std::string device_of(const Snapshot& snapshot, std::size_t group) {
  return (*snapshot.ue)[group].substr(4);  // after "dev:"
}

}  // namespace

// Nothing if some of theirs is not in the last decision. A device that nobody has named is known by
// its address.
std::optional<std::vector<Optimizer::Moved>> Optimizer::groups_of(const Moves& moves) const {
  const auto& snapshot = decision_->snapshot;
  std::vector<Moved> result;
  bool complete = true;
  const auto add = [&](Index app, const std::string& device, const std::string& attachment) {
    const auto group = find_group(snapshot, app, "dev:" + device);
    complete = complete && group;
    if (!group) return;
    result.push_back({*group, attachment});
    for (auto i = *group + 1; i < end_of_ue(snapshot, *group); ++i) {
      result.push_back({i, attachment});
    }
  };
  std::map<std::array<std::uint8_t, 16>, const TopologySource::Move*> by_address;
  for (const auto& [device, move] : moves) {
    for (Index app = 0; app < snapshot.apps.size(); ++app) {
      const bool has = replica_.has_contexts(snapshot.apps[app].id, device);
      if (has) add(app, device, move.attachment);
    }
    if (move.address) by_address[move.address->bytes()] = &move;
  }
  const auto named = static_cast<std::ptrdiff_t>(result.size());
  for (const auto& [bytes, move] : by_address) {
    replica_.each_at(*move->address, [&, to = move](const std::string& app, const auto& device) {
      if (moves.contains(device) || topology_.moved.contains(device)) return;
      const auto index = find_app(snapshot, app);
      if (index != kNone) add(index, device, to->attachment);
    });
  }
  std::sort(result.begin() + named, result.end(),
            [](const Moved& a, const Moved& b) { return a.group < b.group; });
  return complete ? std::optional(std::move(result)) : std::nullopt;
}

// Brings a group of the decision up to date. False: its attachment is not in the decision.
bool Optimizer::attach(Decision& decision, const Moved& moved) const {
  auto& snapshot = decision.snapshot;
  auto& group = snapshot.groups[moved.group];
  const auto device = device_of(snapshot, moved.group);
  const auto& app = snapshot.apps[group.app].id;
  group.attachment = find_attachment(snapshot, moved.attachment);
  if (group.attachment == kNone) return false;
  if (!group.follows) return true;
  group.moved_ms = replica_.moved_ms(app, device);
  group.fixed = decision.pinned[moved.group];
  const auto row = replica_.rows().find({app, "dev:" + device});
  const bool has_row = row != replica_.rows().end();
  const bool own = has_row && row->second.writer == Writer::kOperator;
  if (own || replica_.pin_of(app, device) != nullptr) {
    group.fixed = true;
    group.to_come = 0;
  }
  if (!has_row) return true;
  const auto& target = row->second.targets.front();
  const auto host = target.kind == Target::Kind::kHost ? find_host(snapshot, target.value) : kNone;
  if (host != kNone) decision.placement.host_of_group[moved.group] = host;
  return true;
}

Result<std::optional<Optimizer::Outcome>> Optimizer::place_moved() {
  using Answer = std::optional<Outcome>;
  auto moves = std::exchange(moved_, {});
  if (!decision_ || !decision_->in_force) return Answer();
  const auto version = catch_up();
  if (!version) return version.error();
  const auto groups = groups_of(moves);
  if (urgent_ || !groups) return Answer();
  if (groups->empty()) return Answer(Outcome());
  auto decision = std::make_shared<Decision>(*decision_);
  std::vector<std::size_t> singly;
  for (const auto& moved : *groups) {
    if (!attach(*decision, moved)) return Answer();
    const auto& policy = decision->policy_of_app[decision->snapshot.groups[moved.group].app];
    if (places_singly(policy)) singly.push_back(moved.group);
  }
  decision->made_ms = clock_.now_ms();
  auto part = part_of(decision->snapshot, decision->placement, singly);
  hold(part, options_.stability, decision->made_ms);
  const auto placed = place_calmly(part, decision->policy_of_app, options_.stability);
  Outcome outcome;
  outcome.plan = rows_of(part, placed, decision->policy_of_app);
  outcome.plan.table_version = *version;
  for (std::size_t k = 0; k < singly.size(); ++k) {
    decision->placement.host_of_group[singly[k]] = placed.host_of_group[k];
  }
  if (!outcome.plan.changes.empty()) {
    const auto sent = client_.send_plan(to_ndjson(outcome.plan, kPlanBytesMax), *version, holder_);
    if (!sent) {
      moved_.merge(moves);
      if (sent.error().code == ErrorCode::kPreconditionFailed) return Answer();
      return sent.error();
    }
    take_in(outcome.plan);
    outcome.sent = true;
  }
  decision_ = std::move(decision);
  return Answer(std::move(outcome));
}

}  // namespace mx2::optimizer
