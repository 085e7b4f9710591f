// Optimizer::place_moved(): UEs that were handed over do not wait for the next plan.
#include <algorithm>

#include "optimizer/moves.h"
#include "optimizer/optimizer.h"
#include "optimizer/policy.h"

namespace mx2::optimizer {
namespace {

constexpr std::size_t kRowBytesMax = 4096;

Index host_index(const Snapshot& snapshot, const std::string& id) {
  const auto it = std::find_if(snapshot.hosts.begin(), snapshot.hosts.end(),
                               [&](const HostModel& host) { return host.id == id; });
  return it == snapshot.hosts.end() ? kNone : static_cast<Index>(it - snapshot.hosts.begin());
}

Index attachment_index(const Snapshot& snapshot, const std::string& name) {
  const auto it = std::find_if(snapshot.attachments.begin(), snapshot.attachments.end(),
                               [&](const Attachment& a) { return a.name == name; });
  return it == snapshot.attachments.end() ? kNone
                                          : static_cast<Index>(it - snapshot.attachments.begin());
}

std::string device_of(const Snapshot& snapshot, std::size_t group) {
  return (*snapshot.ue)[group].substr(4);  // after "dev:"
}

}  // namespace

// Nothing if some of theirs is not in the last decision.
std::optional<std::vector<std::size_t>> Optimizer::groups_of(
    const std::set<std::string>& devices) const {
  const auto& snapshot = decision_->snapshot;
  std::vector<std::size_t> groups;
  for (const auto& device : devices) {
    for (Index app = 0; app < snapshot.apps.size(); ++app) {
      if (!replica_.has_contexts(snapshot.apps[app].id, device)) continue;
      const auto group = find_group(snapshot, app, "dev:" + device);
      if (!group) return std::nullopt;
      groups.push_back(*group);
    }
  }
  return groups;
}

// Brings a group of the decision up to date. False: its attachment is not in the decision.
bool Optimizer::attach(Decision& decision, std::size_t i) const {
  auto& snapshot = decision.snapshot;
  auto& group = snapshot.groups[i];
  const auto device = device_of(snapshot, i);
  const auto& app = snapshot.apps[group.app].id;
  const auto to = topology_.moved.find(device);
  if (to == topology_.moved.end()) return false;
  group.attachment = attachment_index(snapshot, to->second);
  if (group.attachment == kNone) return false;
  group.moved_ms = replica_.moved_ms(app, device);
  group.fixed = decision.pinned[i];
  const auto row = replica_.rows().find({app, "dev:" + device});
  if (row == replica_.rows().end()) return true;
  if (row->second.writer == Writer::kOperator) group.fixed = true;
  const auto& target = row->second.targets.front();
  const auto host =
      target.kind == Target::Kind::kHost ? host_index(snapshot, target.value) : kNone;
  if (host != kNone) decision.placement.host_of_group[i] = host;
  return true;
}

Result<std::optional<Optimizer::Outcome>> Optimizer::place_moved() {
  using Answer = std::optional<Outcome>;
  const auto devices = std::exchange(moved_, {});
  if (!decision_ || !decision_->in_force) return Answer();
  const auto version = catch_up();
  if (!version) return version.error();
  const auto groups = groups_of(devices);
  if (urgent_ || !groups) return Answer();
  auto decision = std::make_shared<Decision>(*decision_);
  std::vector<std::size_t> singly;
  for (const auto i : *groups) {
    if (!attach(*decision, i)) return Answer();
    const auto& policy = decision->policy_of_app[decision->snapshot.groups[i].app];
    if (places_singly(policy)) singly.push_back(i);
  }
  auto part = part_of(decision->snapshot, decision->placement, singly);
  decision->made_ms = clock_.now_ms();
  hold(part, options_.stability, decision->made_ms);
  const auto placed =
      worthwhile(part, place_by_app(part, decision->policy_of_app), options_.stability);
  Outcome outcome;
  outcome.plan = rows_of(part, placed, decision->policy_of_app);
  outcome.plan.table_version = *version;
  for (std::size_t k = 0; k < singly.size(); ++k) {
    decision->placement.host_of_group[singly[k]] = placed.host_of_group[k];
  }
  if (!outcome.plan.changes.empty()) {
    const auto body = to_ndjson(outcome.plan, kRowBytesMax * outcome.plan.changes.size());
    const auto sent = client_.send_plan(body, *version, holder_);
    if (!sent) {
      moved_ = devices;
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
