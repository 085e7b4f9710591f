// Applications and hosts.
#include <set>
#include <string_view>
#include <utility>

#include "api/operator/codec.h"
#include "orchestrator/operator/procedures.h"

namespace mx2 {
namespace {

std::string document_of(const CatalogueEntry* entry) {
  return entry == nullptr ? "" : json::dump(codec::to_json(entry->app));
}

std::string document_of(const HostEntry* entry) {
  return entry == nullptr ? "" : json::dump(codec::operators_part(entry->host));
}

// What life-cycle management has running is not for operators to list, unless they did before it
// came there.
Result<void> check_unmanaged(const Host& host, const HostEntry* before) {
  if (before == nullptr) return {};
  std::set<std::pair<std::string_view, std::string_view>> theirs;
  const auto& known = before->host.instances;
  for (const auto& i : known) {
    if (i.managed) theirs.emplace(i.app_d_id, i.reference_uri);
  }
  for (const auto& i : known) {
    if (!i.managed) theirs.erase({i.app_d_id, i.reference_uri});
  }
  for (const auto& i : host.instances) {
    if (!theirs.contains({i.app_d_id, i.reference_uri})) continue;
    return conflict("the instance of app '" + i.app_d_id + "' at " + i.reference_uri +
                    " is managed: life-cycle management lists it");
  }
  return {};
}

}  // namespace

void put_app(Core& core, App app, const Precondition& guard, Callback<Result<Changed>> answer) {
  const auto shared = std::make_shared<App>(std::move(app));
  auto locations = prepare_offer(shared->info.app_location);
  if (!locations) return answer(locations.error());
  auto attempt = [shared, guard, &relocation = core.relocation](
                     const Model& model, StoreTransaction& tx,
                     RelocationScopes& scopes) -> Result<Changed> {
    const auto* before = model.app(shared->info.app_d_id);
    const auto old_document = document_of(before);
    if (auto ok = check(guard, before != nullptr, etag_of(old_document)); !ok) return ok.error();
    if (before != nullptr && before->app.strategy != shared->strategy &&
        relocation.follows(*shared)) {
      scopes.push_back({shared->info.app_d_id, {}});
    }
    if (auto stored = tx.put(*shared); !stored) return stored.error();
    auto document = json::dump(codec::to_json(*shared));
    return Changed{before == nullptr, etag_of(document), document};
  };
  auto publish = [shared, locations = std::move(*locations)](Model& model, ChangeFeed& changes) {
    expect(model.put_app(*shared, locations));
    changes.publish(AppChanged{shared});
  };
  submit_change<Changed>(core, std::move(attempt), std::move(publish), std::move(answer));
}

void delete_app(Core& core, const std::string& app_d_id, const Precondition& guard,
                Callback<Result<Changed>> answer) {
  auto attempt = [app_d_id, guard](const Model& model, StoreTransaction& tx,
                                   RelocationScopes&) -> Result<Changed> {
    if (auto ok = model.check_removal_of_app(app_d_id); !ok) return ok.error();
    const auto document = document_of(model.app(app_d_id));
    if (auto ok = check(guard, true, etag_of(document)); !ok) return ok.error();
    if (auto stored = tx.delete_document(Stored::kApp, app_d_id); !stored) return stored.error();
    return Changed{false, etag_of(document), document};
  };
  auto publish = [app_d_id](Model& model, ChangeFeed& changes) {
    model.remove_app(app_d_id);
    changes.publish(AppRemoved{app_d_id});
  };
  submit_change<Changed>(core, std::move(attempt), std::move(publish), std::move(answer));
}

void change_host(Core& core, HostEdit edit, PreparedLocation::Offer area,
                 Callback<Result<Changed>> answer) {
  const auto host = std::make_shared<Host>();
  auto attempt = [host, edit = std::move(edit)](const Model& model, StoreTransaction& tx,
                                                RelocationScopes& scopes) -> Result<Changed> {
    if (auto ok = edit(model, *host, scopes); !ok) return ok.error();
    if (auto stored = tx.put(*host); !stored) return stored.error();
    return Changed{model.host(host->id) == nullptr,
                   etag_of(json::dump(codec::operators_part(*host))),
                   json::dump(codec::to_json(*host))};
  };
  auto publish = [host, area = std::move(area)](Model& model, ChangeFeed& changes) {
    expect(model.put_host(*host, area));
    changes.publish(HostChanged{host});
  };
  submit_change<Changed>(core, std::move(attempt), std::move(publish), std::move(answer));
}

void put_host(Core& core, Host given, const Precondition& guard, Callback<Result<Changed>> answer) {
  auto area = prepare_offer(given.service_area);
  if (!area) return answer(area.error());
  auto edit = [given = std::move(given), guard, &core](const Model& model, Host& host,
                                                       RelocationScopes& scopes) -> Result<void> {
    const auto* before = model.host(given.id);
    auto ok = check(guard, before != nullptr, etag_of(document_of(before)));
    if (!ok) return ok;
    if (auto known = model.check_host(given); !known) return known;
    host = given;
    take_as_put(host);
    if (auto theirs = check_unmanaged(host, before); !theirs) return theirs;
    name_instances(host, before, core.ids);
    if (before != nullptr) keep_managed(host, before->host);
    if (before != nullptr) add_apps_of(model, before->host, core.relocation, scopes);
    add_apps_of(model, host, core.relocation, scopes);
    return {};
  };
  change_host(core, std::move(edit), std::move(*area), std::move(answer));
}

void set_host_state(Core& core, const std::string& id, HostState state, const Precondition& guard,
                    Callback<Result<Changed>> answer) {
  auto edit = [id, state, guard, &relocation = core.relocation](
                  const Model& model, Host& host, RelocationScopes& scopes) -> Result<void> {
    const auto* before = model.host(id);
    if (before == nullptr) return model.no_host(id);
    if (auto ok = check(guard, true, etag_of(document_of(before))); !ok) return ok;
    host = before->host;
    host.state = state;
    add_apps_of(model, host, relocation, scopes);
    return {};
  };
  change_host(core, std::move(edit), {}, std::move(answer));
}

void set_host_reachable(Core& core, const std::string& id, bool reachable,
                        Callback<Result<Changed>> answer) {
  const auto changed = std::make_shared<Host>();
  auto attempt = [id, reachable, changed, &relocation = core.relocation](
                     const Model& model, StoreTransaction& /*nothing to store*/,
                     RelocationScopes& scopes) -> Result<Changed> {
    const auto* before = model.host(id);
    if (before == nullptr) return model.no_host(id);
    *changed = before->host;
    changed->reachable = reachable;
    add_apps_of(model, *changed, relocation, scopes);
    return Changed{};
  };
  auto publish = [changed](Model& model, ChangeFeed& changes) {
    model.set_reachable(changed->id, changed->reachable);
    changes.publish(HostChanged{changed});
  };
  submit_change<Changed>(core, std::move(attempt), std::move(publish), std::move(answer));
}

void delete_host(Core& core, const std::string& id, const Precondition& guard,
                 Callback<Result<Changed>> answer) {
  auto attempt = [id, guard, &relocation = core.relocation](
                     const Model& model, StoreTransaction& tx,
                     RelocationScopes& scopes) -> Result<Changed> {
    if (auto ok = model.check_removal_of_host(id); !ok) return ok.error();
    const auto document = document_of(model.host(id));
    if (auto ok = check(guard, true, etag_of(document)); !ok) return ok.error();
    add_apps_of(model, model.host(id)->host, relocation, scopes);
    if (auto stored = tx.delete_document(Stored::kHost, id); !stored) return stored.error();
    return Changed{false, etag_of(document), document};
  };
  auto publish = [id](Model& model, ChangeFeed& changes) {
    model.remove_host(id);
    changes.publish(HostRemoved{id});
  };
  submit_change<Changed>(core, std::move(attempt), std::move(publish), std::move(answer));
}

}  // namespace mx2
