#include "orchestrator/lifecycle/abandoned.h"

#include <algorithm>

#include "api/base/log.h"

namespace mx2 {
namespace {

constexpr std::size_t kEndedAtOnce = 256;

// Whether some host may serve the app, also one that does not answer us, or could.
bool is_served(const Model& model, const std::string& app_d_id) {
  const auto& hosts = model.hosts();
  return std::any_of(hosts.begin(), hosts.end(), [&](const auto& item) {
    const auto& entry = item.second;
    if (entry.host.state == HostState::kDown) return false;
    return entry.instances_of.contains(app_d_id) ||
           (entry.host.reachable && model.can_start(entry, app_d_id));
  });
}

bool is_abandoned(const Model& model, const std::string& app_d_id, const std::string& host_id) {
  const auto* host = model.host(host_id);
  const bool ours =
      model.package_of(app_d_id) != nullptr && host != nullptr && !host->host.mepm_uri.empty();
  if (!ours) return false;
  return !is_served(model, app_d_id) || !is_served(model, model.served_by(app_d_id));
}

}  // namespace

void AbandonedContexts::look(const Clients& clients, Time now) {
  if (abandon_.count() == 0) return;
  std::map<std::string, Time> since;
  core_.model.read([&](const Model& model) {
    for (const auto& [cell, count] : clients) {
      const auto& [app, host] = cell;
      if (count == 0 || !is_abandoned(model, app, host)) continue;
      const auto before = since_.find(app);
      since.emplace(app, before == since_.end() ? now : before->second);
    }
  });
  since_ = std::move(since);
  for (const auto& [app, begin] : since_) {
    if (now - begin >= abandon_) endings_[app];
  }
}

// Somebody may serve an app again before all of its contexts have ended: the others stay.
void AbandonedContexts::step() {
  for (auto it = endings_.begin(); it != endings_.end();) {
    auto& [app, ending] = *it;
    const bool goes_on =
        ending.count->outstanding > 0 || (since_.contains(app) && end_some(app, ending));
    if (goes_on) {
      ++it;
      continue;
    }
    log::warn("contexts have ended: no MEC host can serve their application any more",
              {{"app", app}, {"contexts", ending.count->ended.load()}});
    it = endings_.erase(it);
  }
}

bool AbandonedContexts::end_some(const std::string& app_d_id, Ending& ending) {
  if (ending.begun && ending.cursor.empty()) return false;
  const auto page = core_.store.contexts({app_d_id, {}, {}}, ending.cursor, kEndedAtOnce);
  if (!page) return false;
  ending.begun = true;
  ending.cursor = page->next;
  for (const auto& context : page->items) {
    if (context.host_id.empty()) continue;  // a literal endpoint, or none yet
    ++ending.count->outstanding;
    delete_app_context(core_, ledger_, context.context_id, Caller{}, std::nullopt,
                       EndedBy::kSystemInBackground,
                       [count = ending.count](const Result<void>& ended) {
                         count->ended += ended.ok() ? 1 : 0;
                         --count->outstanding;
                       });
  }
  return true;
}

}  // namespace mx2
