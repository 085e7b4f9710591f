#include "orchestrator/domain/placement.h"

#include <functional>

namespace mx2 {
namespace {

// A literal endpoint has no instance of ours; the same endpoint always gets the same identifier.
std::string endpoint_instance_id(const std::string& endpoint) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : endpoint) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return "endpoint-" + std::to_string(hash);
}

std::string selector_text(const Table::Match& match, const PlacementQuery& query) {
  switch (match.kind) {
    case UeSelector::Kind::kDevApp: return "dev:" + query.dev_app_id;
    case UeSelector::Kind::kIp:
      return "ip:" + IpPrefix{query.ip->masked(match.prefix_length), match.prefix_length}.text();
    case UeSelector::Kind::kAny: break;
  }
  return "*";
}

// Why this host cannot serve, or nothing when it can.
const char* obstacle(const HostEntry* entry, const PlacementQuery& query) {
  if (entry == nullptr) return "host is not known";
  if (entry->host.state == HostState::kDown) return "host is down";
  if (entry->host.state == HostState::kCordoned) return "host is cordoned";
  if (entry->instance(query.app_d_id) == nullptr) return "host has no instance of the app";
  if (query.location != nullptr && !query.location->matches_any(entry->service_area)) {
    return "host does not serve the requested location";
  }
  return nullptr;
}

class Attempt {
 public:
  Attempt(const Model& model, const PlacementQuery& query, Explanation* trace)
      : model_(model), query_(query), trace_(trace) {}

  std::optional<Placement> by_rows() {
    std::vector<Table::Match> matches;
    model_.table().find(query_.app_d_id, query_.dev_app_id, query_.ip, matches);
    for (const auto& match : matches) {
      for (const auto& target : *match.targets) {
        auto placement =
            target.kind == Target::Kind::kHost ? host(target.value) : endpoint(target.value);
        if (trace_ != nullptr) note(selector_text(match, query_), target.text());
        if (!placement) continue;
        placement->ue = selector_text(match, query_);
        return placement;
      }
    }
    return std::nullopt;
  }

  std::optional<Placement> by_location() {
    for (const auto& id : model_.hosts_of(query_.app_d_id)) {
      auto placement = host(id);
      if (trace_ != nullptr) note("location", "host:" + id);
      if (!placement) continue;
      placement->ue = "location";
      return placement;
    }
    return std::nullopt;
  }

 private:
  std::optional<Placement> host(const std::string& id) {
    const auto* entry = model_.host(id);
    verdict_ = obstacle(entry, query_);
    if (verdict_ != nullptr) return std::nullopt;
    const auto* instance = entry->instance(query_.app_d_id);
    return Placement{id, instance->app_instance_id, instance->reference_uri, {}};
  }

  std::optional<Placement> endpoint(const std::string& address) {
    verdict_ = query_.location != nullptr ? "endpoint has no known location" : nullptr;
    if (verdict_ != nullptr) return std::nullopt;
    return Placement{{}, endpoint_instance_id(address), address, {}};
  }

  void note(std::string ue, std::string target) {
    trace_->steps.push_back(
        {std::move(ue), std::move(target), verdict_ == nullptr ? "chosen" : verdict_});
  }

  const Model& model_;
  const PlacementQuery& query_;
  Explanation* trace_;
  const char* verdict_ = nullptr;
};

}  // namespace

std::optional<Placement> place(const Model& model, const PlacementQuery& query,
                               Explanation* trace) {
  Attempt attempt(model, query, trace);
  auto placement = attempt.by_rows();
  if (!placement && query.location != nullptr) placement = attempt.by_location();
  return placement;
}

Explanation explain(const Model& model, const PlacementQuery& query) {
  Explanation explanation;
  explanation.app_d_id = query.app_d_id;
  explanation.dev_app_id = query.dev_app_id;
  if (query.ip) explanation.ip = query.ip->text();
  explanation.table_version = model.table_version();
  const auto placement = place(model, query, &explanation);
  if (placement) {
    explanation.found = true;
    explanation.host_id = placement->host_id;
    explanation.app_instance_id = placement->app_instance_id;
    explanation.reference_uri = placement->reference_uri;
  }
  return explanation;
}

}  // namespace mx2
