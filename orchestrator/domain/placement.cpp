#include "orchestrator/domain/placement.h"

#include <algorithm>

#include "api/base/text.h"

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

bool is_there(const PlacementQuery& query, const std::string& uri) {
  const auto& uris = query.current_uris;
  return std::find(uris.begin(), uris.end(), uri) != uris.end();
}

std::string below(const std::string& uri, const std::string& app_d_id) {
  return uri + (uri.ends_with('/') ? "" : "/") + percent_encode(app_d_id);
}

struct Obstacle {
  const char* verdict;
  EscalationCause cause;
};
constexpr Obstacle kUnknownHost{"host is not known", EscalationCause::kNoInstance};
constexpr Obstacle kHostDown{"host is down", EscalationCause::kDown};
constexpr Obstacle kSilentHost{"host does not answer", EscalationCause::kUnreachable};
constexpr Obstacle kNoInstance{"host has no instance of the app", EscalationCause::kNoInstance};
constexpr Obstacle kNoDispatcher{"host has no dispatcher", EscalationCause::kNoInstance};
constexpr Obstacle kHostDraining{"host is draining", EscalationCause::kDraining};
constexpr Obstacle kHostCordoned{"host is cordoned", EscalationCause::kCordoned};
constexpr Obstacle kElsewhere{"host does not serve the requested location",
                              EscalationCause::kLocation};

// Why this host cannot serve, or nothing when it can. `stays`: it is where the context is now.
const Obstacle* obstacle(const Model& model, const HostEntry* entry, const AppInstance* instance,
                         const std::string& app, bool stays, const PlacementQuery& query) {
  if (entry == nullptr) return &kUnknownHost;
  if (entry->host.state == HostState::kDown) return &kHostDown;
  if (!entry->host.reachable) return &kSilentHost;
  if (instance == nullptr && !(query.could_start && model.can_start(*entry, app))) {
    return app == query.app_d_id ? &kNoInstance : &kNoDispatcher;
  }
  if (entry->host.state != HostState::kUp && !stays) {
    return entry->host.state == HostState::kDraining ? &kHostDraining : &kHostCordoned;
  }
  if (query.location != nullptr && !query.location->matches_offer(entry->service_area)) {
    return &kElsewhere;
  }
  return nullptr;
}

// Tries targets in the order of the decision rule until `enough` placements are found.
class Search {
 public:
  Search(const Model& model, const PlacementQuery& query, std::size_t enough, Explanation* trace)
      : model_(model),
        query_(query),
        app_(model.served_by(query.app_d_id)),
        enough_(enough),
        trace_(trace) {}

  std::vector<Placement> run() {
    by_rows();
    if (found_.size() < enough_ && query_.location != nullptr) by_hosts("location");
    if (found_.empty() && query_.location == nullptr && model_.is_packaged(app_)) {
      by_hosts("anywhere");
    }
    return std::move(found_);
  }

 private:
  void by_rows() {
    std::vector<Table::Match> matches;
    model_.table().find(app_, query_.dev_app_id, query_.ip, matches);
    for (const auto& match : matches) {
      for (const auto& target : *match.targets) {
        if (found_.size() == enough_) return;
        const bool is_host = target.kind == Target::Kind::kHost;
        take(is_host ? host(target.value) : endpoint(target.value), selector_text(match, query_),
             target.text());
        if (is_host && blocked_ != nullptr) note_passed_over(target.value);
      }
    }
  }

  // Where the context is already comes first.
  void by_hosts(const char* why) {
    const auto& hosts = model_.hosts_of(app_);
    for (const bool there : {true, false}) {
      if (there && query_.current_uris.empty()) continue;
      for (const auto& id : hosts) {
        if (found_.size() == enough_) return;
        if (!query_.current_uris.empty() && serves_now(id) != there) continue;
        take(host(id), why, "host:" + id);
      }
    }
    if (!query_.could_start) return;
    for (const auto& [id, entry] : model_.hosts()) {
      if (found_.size() == enough_) return;
      if (!entry.host.mepm_uri.empty()) take(host(id), why, "host:" + id);
    }
  }

  [[nodiscard]] bool serves_now(const std::string& id) const {
    const auto* instance = model_.host(id)->instance(app_, query_.dev_app_id);
    return instance != nullptr && is_there(query_, address_of(*instance));
  }

  void take(std::optional<Placement> placement, std::string ue, std::string target) {
    const bool known = placement && std::any_of(found_.begin(), found_.end(), [&](const auto& p) {
                         return p.reference_uri == placement->reference_uri &&
                                (p.host_id == placement->host_id || !p.reference_uri.empty());
                       });
    if (trace_ != nullptr) {
      trace_->steps.push_back({ue, std::move(target), verdict_ == nullptr ? "chosen" : verdict_});
    }
    if (!placement || known) return;
    placement->ue = std::move(ue);
    placement->escalated = escalated_to(placement->host_id);
    found_.push_back(std::move(*placement));
  }

  std::optional<Placement> host(const std::string& id) {
    const auto* entry = model_.host(id);
    const auto* instance = entry == nullptr ? nullptr : entry->instance(app_, query_.dev_app_id);
    const bool stays = instance != nullptr && is_there(query_, address_of(*instance));
    blocked_ = obstacle(model_, entry, instance, app_, stays, query_);
    verdict_ = blocked_ == nullptr ? nullptr : blocked_->verdict;
    if (blocked_ != nullptr) return std::nullopt;
    if (instance == nullptr) return Placement{id, {}, {}, {}};
    return Placement{id, instance->app_instance_id, address_of(*instance), {}};
  }

  std::optional<Placement> endpoint(const std::string& address) {
    verdict_ = query_.location != nullptr ? "endpoint has no known location" : nullptr;
    if (verdict_ != nullptr) return std::nullopt;
    const auto uri = app_ == query_.app_d_id ? address : below(address, query_.app_d_id);
    return Placement{{}, endpoint_instance_id(address), uri, {}};
  }

  // The nearest counts, of equals the first.
  void note_passed_over(const std::string& id) {
    const auto* entry = model_.host(id);
    if (entry == nullptr) return;  // of what tier it was, nobody knows
    const auto tier = tier_of(entry->host);
    if (!passed_over_ || tier < passed_over_->first) passed_over_.emplace(tier, blocked_->cause);
  }

  [[nodiscard]] std::optional<EscalationCause> escalated_to(const std::string& id) const {
    const auto* entry = passed_over_ ? model_.host(id) : nullptr;
    if (entry == nullptr || tier_of(entry->host) <= passed_over_->first) return std::nullopt;
    return passed_over_->second;
  }

  // Where the client calls it.
  [[nodiscard]] std::string address_of(const AppInstance& instance) const {
    const bool itself = app_ == query_.app_d_id;
    return itself ? instance.reference_uri : below(instance.reference_uri, query_.app_d_id);
  }

  const Model& model_;
  const PlacementQuery& query_;
  const std::string& app_;  // whose rows and instances serve
  const std::size_t enough_;
  Explanation* trace_;
  const char* verdict_ = nullptr;
  const Obstacle* blocked_ = nullptr;  // of the host that was tried last
  std::optional<std::pair<HostTier, EscalationCause>> passed_over_;
  std::vector<Placement> found_;
};

}  // namespace

std::optional<Placement> place(const Model& model, const PlacementQuery& query,
                               Explanation* trace) {
  auto found = Search(model, query, 1, trace).run();
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::vector<Placement> place_all(const Model& model, const PlacementQuery& query,
                                 std::size_t most) {
  return Search(model, query, most, nullptr).run();
}

Alternatives alternatives(const Model& model, PlacementQuery query, const std::string& except) {
  query.could_start = true;
  const auto& app = model.served_by(query.app_d_id);
  Alternatives found;
  for (const auto& [id, entry] : model.hosts()) {
    if (id == except) continue;
    const auto* instance = entry.instance(app, query.dev_app_id);
    const auto* why_not = obstacle(model, &entry, instance, app, false, query);
    const auto& unable = entry.host.unable;
    const bool failed = std::find(unable.begin(), unable.end(), app) != unable.end();
    if (why_not == nullptr) {
      found.hosts.push_back(id);
    } else if (instance != nullptr || model.can_start(entry, app)) {
      found.obstacles.push_back(id + ": " + why_not->verdict);
    } else if (failed) {
      found.obstacles.push_back(id + ": the app could not be started there lately");
    }
  }
  return found;
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
