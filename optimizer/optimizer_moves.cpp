// Optimizer::place_moved(): UEs that were handed over do not wait for the next plan.
#include <algorithm>
#include <array>
#include <map>

#include "optimizer/moves.h"
#include "optimizer/optimizer.h"

namespace mx2::optimizer {

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
  std::vector<std::size_t> present;
  for (const auto& moved : *groups) {
    if (!attach(*decision, replica_, moved.group, moved.attachment)) return Answer();
    present.push_back(moved.group);
  }
  Outcome outcome;
  outcome.plan = place_again(*decision, present, options_.stability, clock_.now_ms());
  outcome.plan.table_version = *version;
  if (!outcome.plan.changes.empty()) {
    const auto sent = client_.send_plan(to_ndjson(outcome.plan, kPlanBytesMax), *version, holder_);
    if (!sent) {
      moved_.merge(moves);
      if (sent.error().code == ErrorCode::kPreconditionFailed) return Answer();
      return sent.error();
    }
    take_in(replica_, outcome.plan);
    outcome.sent = true;
  }
  decision_ = std::move(decision);
  return Answer(std::move(outcome));
}

}  // namespace mx2::optimizer
