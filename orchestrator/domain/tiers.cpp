#include "orchestrator/domain/tiers.h"

namespace mx2 {
namespace {

// Why contexts leave a host that was theirs.
EscalationCause cause_of_leaving(const HostEntry& entry, const std::string& app,
                                 std::string_view dev_app_id) {
  if (entry.host.state == HostState::kDown) return EscalationCause::kDown;
  if (!entry.host.reachable) return EscalationCause::kUnreachable;
  if (entry.instance(app, dev_app_id) == nullptr) return EscalationCause::kNoInstance;
  if (entry.host.state == HostState::kDraining) return EscalationCause::kDraining;
  return EscalationCause::kTable;
}

}  // namespace

HostTier tier_of(const Host& host) {
  const auto label = host.labels.find("tier");
  if (label == host.labels.end()) return HostTier::kEdge;
  return parse_enum<HostTier>(label->second, kHostTiers).value_or(HostTier::kEdge);
}

std::optional<EscalationCause> escalation(const Model& model, const std::string& app_d_id,
                                          std::string_view dev_app_id, const std::string& before,
                                          const std::string& now,
                                          std::optional<EscalationCause> passed_over) {
  const auto* to = model.host(now);
  if (to == nullptr) return std::nullopt;
  const auto* from = model.host(before);
  if (from == nullptr) return passed_over;
  if (tier_of(to->host) <= tier_of(from->host)) return std::nullopt;
  return passed_over.value_or(cause_of_leaving(*from, model.served_by(app_d_id), dev_app_id));
}

}  // namespace mx2
