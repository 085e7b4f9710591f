#include "orchestrator/operator/draining.h"

#include <algorithm>
#include <map>

#include "api/base/text.h"
#include "api/operator/codec.h"
#include "orchestrator/domain/placement.h"

namespace mx2 {
namespace {

constexpr std::size_t kContextsLookedAt = 10'000;  // for one page
constexpr std::size_t kObstaclesTold = 3;

bool leads_to(const Target& target, const std::string& host_id) {
  return target.kind == Target::Kind::kHost && target.value == host_id;
}

std::string obstacles_in_words(const std::string& app, const Alternatives& others) {
  if (others.obstacles.empty()) return "no other host has an instance of " + app;
  auto told = others.obstacles;
  if (told.size() > kObstaclesTold) {
    told.resize(kObstaclesTold);
    told.push_back("and " + std::to_string(others.obstacles.size() - kObstaclesTold) + " more");
  }
  return "no other host can serve " + app + ": " + join(told, ", ");
}

// Why each of a page of contexts has not left; what is found out of an app or a row is kept.
class Reasons {
 public:
  Reasons(const Core& core, const std::string& host_id, PlannerState planner)
      : core_(core), host_id_(host_id), planner_(planner) {}

  Result<Staying> of(const ContextSummary& context) {
    const auto& app = facts_of(context.app_d_id);
    if (!app.known) return because(context, "app-gone", "its app is not in the catalogue any more");
    if (!app.follows) {
      return because(context, "strategy",
                     "contexts of strategy baseline keep their address until they end");
    }
    if (app.others.hosts.empty()) {
      return because(context, "no-other-host", obstacles_in_words(app.served_by, app.others));
    }
    const auto row = row_of(app.served_by, context.ue);
    if (!row) return row.error();
    const bool of_operator = *row && (*row)->writer == Writer::kOperator;
    if (of_operator && context.ue != "*") {
      const auto& why = (*row)->reason;
      return because(context, "pinned",
                     "row (" + context.ue + ", " + app.served_by + ") of an operator leads here" +
                         (why.empty() ? "" : ": " + why));
    }
    return by_planner(context);
  }

 private:
  struct Facts {
    bool known = false;
    bool follows = false;
    std::string served_by;
    Alternatives others;
  };

  static Staying because(const ContextSummary& context, std::string reason, std::string detail) {
    return {context, std::move(reason), std::move(detail)};
  }
  [[nodiscard]] Staying by_planner(const ContextSummary& context) const {
    switch (planner_) {
      case PlannerState::kLeads:
        return because(context, "waiting", "the Optimizer has not placed it elsewhere");
      case PlannerState::kPaused:
        return because(context, "optimizer-paused",
                       "the Optimizer, which would place it elsewhere, is paused");
      case PlannerState::kNone: break;
    }
    return because(context, "no-optimizer",
                   "no Optimizer leads that would place it elsewhere, and no row does");
  }

  const Facts& facts_of(const std::string& app_d_id) {
    const auto [it, fresh] = apps_.try_emplace(app_d_id);
    if (!fresh) return it->second;
    auto& facts = it->second;
    core_.model.read([&](const Model& model) {
      const auto* entry = model.app(app_d_id);
      facts.known = entry != nullptr;
      if (entry == nullptr) return;
      facts.follows = core_.relocation.follows(entry->app);
      facts.served_by = model.served_by(app_d_id);
      PlacementQuery query;
      query.app_d_id = app_d_id;
      facts.others = alternatives(model, std::move(query), host_id_);
    });
    return facts;
  }

  Result<std::optional<Association>> row_of(const std::string& app_d_id, const std::string& ue) {
    const auto selector = UeSelector::parse(ue);
    if (!selector) return std::optional<Association>();  // no row has decided
    const auto [it, fresh] = rows_.try_emplace({app_d_id, ue});
    if (!fresh) return it->second;
    auto found = core_.store.rows(app_d_id, selector->text(), {}, 1);
    if (!found) return found.error();
    if (!found->items.empty()) it->second = std::move(found->items.front());
    return it->second;
  }

  const Core& core_;
  const std::string& host_id_;
  const PlannerState planner_;
  std::map<std::string, Facts> apps_;
  std::map<std::pair<std::string, std::string>, std::optional<Association>> rows_;
};

// Whether row * of the app leads elsewhere.
bool has_other_last_resort(const Model& model, const std::string& app_d_id,
                           const std::string& host_id) {
  std::vector<Table::Match> matches;
  model.table().find(app_d_id, {}, std::nullopt, matches);
  return std::any_of(matches.begin(), matches.end(), [&](const Table::Match& match) {
    return match.kind == UeSelector::Kind::kAny &&
           std::any_of(match.targets->begin(), match.targets->end(),
                       [&](const Target& target) { return !leads_to(target, host_id); });
  });
}

// Who serves those of a row that is removed; empty: nobody.
std::string served_without(const Model& model, const Association& row, const std::string& host_id,
                           PlannerState planner) {
  if (row.ue.kind == UeSelector::Kind::kAny) return {};
  if (planner == PlannerState::kLeads) return "the Optimizer decides then";
  if (has_other_last_resort(model, row.app_d_id, host_id)) return "row * decides then";
  if (model.is_packaged(row.app_d_id)) return "any host that has the app, or could, serves then";
  return {};
}

Pin pin_of(const Model& model, Association row, const std::string& host_id, PlannerState planner) {
  TableChange change{row, false};
  auto& targets = change.row.targets;
  std::erase_if(targets, [&](const Target& target) { return leads_to(target, host_id); });
  if (!targets.empty()) return {std::move(row), std::move(change), "its other targets stay"};
  PlacementQuery query;
  query.app_d_id = row.app_d_id;
  const auto others = alternatives(model, std::move(query), host_id);
  if (others.hosts.empty()) {
    auto why = "it stays: " + obstacles_in_words(row.app_d_id, others);
    return {std::move(row), std::nullopt, std::move(why)};
  }
  if (auto who = served_without(model, row, host_id, planner); !who.empty()) {
    change.remove = true;
    return {std::move(row), std::move(change), "removed: " + who};
  }
  for (const auto& id : others.hosts) {
    if (targets.size() < codec::kTargetsMax) targets.push_back({Target::Kind::kHost, id});
  }
  return {std::move(row), std::move(change), "to all other hosts that can serve it"};
}

}  // namespace

Result<Page<Staying>> staying(const Core& core, const std::string& host_id, PlannerState planner,
                              const std::string& cursor, std::size_t limit) {
  const auto contexts = core.store.contexts({{}, {}, host_id, kContextsLookedAt}, cursor, limit);
  if (!contexts) return contexts.error();
  Reasons reasons(core, host_id, planner);
  Page<Staying> page;
  page.next = contexts->next;
  for (const auto& context : contexts->items) {
    auto one = reasons.of(context);
    if (!one) return one.error();
    page.items.push_back(std::move(*one));
  }
  return page;
}

Result<Page<Pin>> pins_of(const Core& core, const std::string& host_id, PlannerState planner,
                          const std::string& cursor, std::size_t limit) {
  auto rows = core.store.rows_of_host(host_id, Writer::kOperator, cursor, limit);
  if (!rows) return rows.error();
  Page<Pin> page;
  page.next = rows->next;
  for (auto& row : rows->items) {
    page.items.push_back(core.model.read(
        [&](const Model& model) { return pin_of(model, std::move(row), host_id, planner); }));
  }
  return page;
}

}  // namespace mx2
