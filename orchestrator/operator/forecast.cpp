#include "orchestrator/operator/forecast.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <string>
#include <unordered_set>

#include "orchestrator/domain/placement.h"

namespace mx2 {
namespace {

constexpr std::size_t kContextsOfPage = 2000;

std::string name_of_row(const std::string& app_d_id, const UeSelector& ue) {
  return app_d_id + '\n' + ue.text();
}

UeSelector selector_of(const Table::Match& match, const PlacementQuery& query) {
  UeSelector selector;
  selector.kind = match.kind;
  if (match.kind == UeSelector::Kind::kDevApp) selector.dev_app_id = query.dev_app_id;
  if (match.kind == UeSelector::Kind::kIp) {
    selector.prefix = {query.ip->masked(match.prefix_length), match.prefix_length};
  }
  return selector;
}

// The model as it would be, with as much of the table as the contexts need that are looked at.
class Trial {
 public:
  Trial(const Core& core, const std::vector<TableChange>& changes) : core_(core) {
    core_.model.read([&](const Model& model) {
      model_ = model.without_rows();
      for (const auto& change : changes) add(model, change);
    });
  }

  [[nodiscard]] bool concerns(const std::string& app_d_id) const {
    return apps_.contains(app_d_id);
  }
  [[nodiscard]] bool is_empty() const { return apps_.empty(); }

  [[nodiscard]] bool would_move(const ContextSummary& context, const PreparedLocation* location) {
    PlacementQuery query{context.app_d_id,
                         context.dev_app_id,
                         IpAddress::parse(context.client_ip),
                         location,
                         {context.reference_uri}};
    core_.model.read([&](const Model& model) { take_rows(model, query); });
    const auto placement = place(model_, query);
    return placement && !context.reference_uri.empty() &&
           placement->reference_uri != context.reference_uri;
  }

 private:
  void add(const Model& model, const TableChange& change) {
    const auto& row = change.row;
    if (!model.check(change).ok()) return;  // left out, as it will be then
    changed_.insert(name_of_row(row.app_d_id, row.ue));
    model_.apply(change);
    for (const auto& app : model.serves(row.app_d_id)) {
      const auto* entry = model.app(app);
      const bool by_this = entry != nullptr && model.served_by(app) == row.app_d_id;
      if (by_this && core_.relocation.follows(entry->app)) apps_.insert(app);
    }
  }
  // What is now for this context and stays.
  void take_rows(const Model& model, const PlacementQuery& query) {
    const auto& app = model.served_by(query.app_d_id);
    std::vector<Table::Match> matches;
    model.table().find(app, query.dev_app_id, query.ip, matches);
    for (const auto& match : matches) {
      TableChange kept;
      kept.row.app_d_id = app;
      kept.row.ue = selector_of(match, query);
      if (changed_.contains(name_of_row(app, kept.row.ue))) continue;
      kept.row.targets = *match.targets;
      model_.apply(kept);
    }
  }

  const Core& core_;
  Model model_;
  std::set<std::string> apps_;
  std::unordered_set<std::string> changed_;
};

// Contexts that ask for an area take milliseconds each: nobody waits for that.
bool is_left_out(const ContextSummary& context) {
  return context.app_location && context.app_location->area.has_value();
}

void look_at(const ContextSummary& context, Trial& trial, Forecast& result) {
  if (!trial.concerns(context.app_d_id)) return;
  if (is_left_out(context)) {
    result.all = false;
    return;
  }
  ++result.looked_at;
  if (!context.app_location) {
    result.moved += trial.would_move(context, nullptr) ? 1 : 0;
    return;
  }
  const auto location = PreparedLocation::make(*context.app_location);
  if (location) result.moved += trial.would_move(context, &*location) ? 1 : 0;
}

}  // namespace

Result<Forecast> forecast(const Core& core, const std::vector<TableChange>& changes) {
  static std::mutex busy;
  const std::unique_lock alone(busy, std::try_to_lock);
  if (!alone) return conflict("another forecast is being made: ask again when it is done");
  Trial trial(core, changes);
  Forecast result;
  if (trial.is_empty()) return result;
  std::string cursor;
  for (std::size_t seen = 0; seen < kForecastContextsMax; seen += kContextsOfPage) {
    const auto page = core.store.contexts({{}, {}, {}, kContextsOfPage}, cursor, kContextsOfPage);
    if (!page) return page.error();
    for (const auto& context : page->items) look_at(context, trial, result);
    cursor = page->next;
    if (cursor.empty()) return result;
  }
  result.all = false;
  return result;
}

}  // namespace mx2
