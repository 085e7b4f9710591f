#include "orchestrator/operator/service.h"

#include <functional>
#include <map>

#include "api/base/log.h"
#include "api/operator/codec.h"

namespace mx2 {
namespace {

// One change of the model. `attempt` checks and stores; `publish` repeats it in memory, after the
// commit. Both see the model as it is, as such a unit is alone in its batch.
template <typename T>
class ModelChange final : public UnitOfWork {
 public:
  // Adds the contexts that the change may concern to the scopes.
  using Attempt = std::function<Result<T>(const Model&, StoreTransaction&, RelocationScopes&)>;
  using Publish = std::function<void(Model&)>;

  ModelChange(Mx2Service& service, Attempt attempt, Publish publish, Callback<Result<T>> answer)
      : service_(service),
        attempt_(std::move(attempt)),
        publish_(std::move(publish)),
        answer_(std::move(answer)) {}

  [[nodiscard]] bool changes_model() const override { return true; }

  Result<void> run(StoreTransaction& transaction) override {
    auto result = attempt_(service_.model.unlocked(), transaction, scopes_);
    if (!result) return result.error();
    result_ = std::move(*result);
    return service_.relocation.announce(transaction, scopes_);
  }

  void done(const Result<void>& outcome) noexcept override {
    if (!outcome) return answer_(outcome.error());
    service_.model.write([this](Model& model) { publish_(model); });
    answer_(std::move(*result_));
    service_.relocation.begin(scopes_);
  }

 private:
  Mx2Service& service_;
  Attempt attempt_;
  Publish publish_;
  Callback<Result<T>> answer_;
  std::optional<T> result_;
  RelocationScopes scopes_;
};

template <typename T>
void submit(Mx2Service& service, typename ModelChange<T>::Attempt attempt,
            typename ModelChange<T>::Publish publish, Callback<Result<T>> answer) {
  service.store.submit(std::make_unique<ModelChange<T>>(service, std::move(attempt),
                                                        std::move(publish), std::move(answer)));
}

Result<void> check(const Precondition& guard, bool exists, const std::string& etag) {
  if (guard.must_be_absent && exists) return precondition_failed("it exists already");
  if (guard.if_match.empty()) return {};
  if (!exists) return precondition_failed("it does not exist");
  if (guard.if_match != "*" && guard.if_match != etag) {
    return precondition_failed("it has changed: the ETag is now " + etag);
  }
  return {};
}

std::string document_of(const CatalogueEntry* entry) {
  return entry == nullptr ? "" : json::dump(codec::to_json(entry->app));
}

std::string document_of(const HostEntry* entry) {
  return entry == nullptr ? "" : json::dump(codec::to_json(entry->host));
}

void name_instances(Host& host, const HostEntry* before, IdGenerator& ids) {
  for (auto& instance : host.instances) {
    if (!instance.app_instance_id.empty()) continue;
    const auto* old = before == nullptr ? nullptr : before->instance(instance.app_d_id);
    instance.app_instance_id = old == nullptr ? ids.next() : old->app_instance_id;
  }
}

// A change that was checked before must not fail when it is repeated in memory.
void expect(const Result<void>& published) {
  if (!published) log::error("model differs from store", {{"reason", published.error().detail}});
}

// A host may matter to every context of an app that it runs, also as the second choice of a row.
void add_apps_of(const Host& host, const Relocation& relocation, RelocationScopes& scopes) {
  for (const auto& instance : host.instances) {
    if (relocation.follows(instance.app_d_id)) scopes.push_back({instance.app_d_id, {}});
  }
}

// An ip: or * row may matter to every context of its app.
void add_contexts_of(const std::vector<TableChange>& changes, const Relocation& relocation,
                     RelocationScopes& scopes) {
  std::map<std::string, bool> whole;  // apps that follow -> all of their contexts
  for (const auto& [row, remove] : changes) {
    if (relocation.follows(row.app_d_id)) {
      whole[row.app_d_id] |= row.ue.kind != UeSelector::Kind::kDevApp;
    }
  }
  for (const auto& [app_d_id, all] : whole) {
    if (all) scopes.push_back({app_d_id, {}});
  }
  for (const auto& [row, remove] : changes) {
    const auto it = whole.find(row.app_d_id);
    if (it != whole.end() && !it->second) scopes.push_back({row.app_d_id, row.ue.dev_app_id});
  }
}

Result<Patched> store_rows(const Model& model, StoreTransaction& transaction,
                           std::vector<TableChange>& changes, std::int64_t now_ms) {
  const auto version = model.table_version() + 1;
  for (auto& change : changes) {
    change.row.version = version;
    change.row.updated_ms = now_ms;
    const auto stored = change.remove ? transaction.delete_row(change.row.ue, change.row.app_d_id)
                                      : transaction.put_row(change.row);
    if (!stored) return stored.error();
  }
  if (auto stored = transaction.set_table_version(version); !stored) return stored.error();
  return Patched{version, changes.size()};
}

void publish_rows(Model& model, const std::vector<TableChange>& changes) {
  for (const auto& change : changes) model.apply(change);
  model.set_table_version(model.table_version() + 1);
}

}  // namespace

std::string etag_of(const std::string& document) {
  return "\"" + std::to_string(std::hash<std::string>{}(document)) + "\"";
}

void put_app(Mx2Service& service, App app, const Precondition& guard,
             Callback<Result<Changed>> answer) {
  const auto shared = std::make_shared<App>(std::move(app));
  auto attempt = [shared, guard, &relocation = service.relocation](
                     const Model& model, StoreTransaction& tx,
                     RelocationScopes& scopes) -> Result<Changed> {
    const auto* before = model.app(shared->info.app_d_id);
    const auto old_document = document_of(before);
    if (auto ok = check(guard, before != nullptr, etag_of(old_document)); !ok) return ok.error();
    if (auto ok = prepare(shared->info.app_location); !ok) return ok.error();
    if (before != nullptr && before->app.strategy != shared->strategy &&
        relocation.follows(*shared)) {
      scopes.push_back({shared->info.app_d_id, {}});
    }
    if (auto stored = tx.put_app(*shared); !stored) return stored.error();
    auto document = json::dump(codec::to_json(*shared));
    return Changed{before == nullptr, etag_of(document), document};
  };
  auto publish = [shared](Model& model) { expect(model.put_app(*shared)); };
  submit<Changed>(service, std::move(attempt), std::move(publish), std::move(answer));
}

void delete_app(Mx2Service& service, const std::string& app_d_id, const Precondition& guard,
                Callback<Result<Changed>> answer) {
  auto attempt = [app_d_id, guard](const Model& model, StoreTransaction& tx,
                                   RelocationScopes&) -> Result<Changed> {
    if (auto ok = model.check_removal_of_app(app_d_id); !ok) return ok.error();
    const auto document = document_of(model.app(app_d_id));
    if (auto ok = check(guard, true, etag_of(document)); !ok) return ok.error();
    if (auto stored = tx.delete_app(app_d_id); !stored) return stored.error();
    return Changed{false, etag_of(document), document};
  };
  auto publish = [app_d_id](Model& model) { model.remove_app(app_d_id); };
  submit<Changed>(service, std::move(attempt), std::move(publish), std::move(answer));
}

void put_host(Mx2Service& service, Host host, const Precondition& guard,
              Callback<Result<Changed>> answer) {
  const auto shared = std::make_shared<Host>(std::move(host));
  auto attempt = [shared, guard, &ids = service.ids, &relocation = service.relocation](
                     const Model& model, StoreTransaction& tx,
                     RelocationScopes& scopes) -> Result<Changed> {
    const auto* before = model.host(shared->id);
    if (auto ok = check(guard, before != nullptr, etag_of(document_of(before))); !ok) {
      return ok.error();
    }
    if (auto ok = model.check_host(*shared); !ok) return ok.error();
    if (auto ok = prepare(shared->service_area); !ok) return ok.error();
    name_instances(*shared, before, ids);
    if (before != nullptr) add_apps_of(before->host, relocation, scopes);
    add_apps_of(*shared, relocation, scopes);
    if (auto stored = tx.put_host(*shared); !stored) return stored.error();
    auto document = json::dump(codec::to_json(*shared));
    return Changed{before == nullptr, etag_of(document), document};
  };
  auto publish = [shared](Model& model) { expect(model.put_host(*shared)); };
  submit<Changed>(service, std::move(attempt), std::move(publish), std::move(answer));
}

void set_host_state(Mx2Service& service, const std::string& id, HostState state,
                    const Precondition& guard, Callback<Result<Changed>> answer) {
  const auto changed = std::make_shared<Host>();
  auto attempt = [id, state, guard, changed, &relocation = service.relocation](
                     const Model& model, StoreTransaction& tx,
                     RelocationScopes& scopes) -> Result<Changed> {
    const auto* before = model.host(id);
    if (before == nullptr) return not_found("no host '" + id + "'");
    if (auto ok = check(guard, true, etag_of(document_of(before))); !ok) return ok.error();
    *changed = before->host;
    changed->state = state;
    add_apps_of(*changed, relocation, scopes);
    if (auto stored = tx.put_host(*changed); !stored) return stored.error();
    auto document = json::dump(codec::to_json(*changed));
    return Changed{false, etag_of(document), document};
  };
  auto publish = [changed](Model& model) { expect(model.put_host(*changed)); };
  submit<Changed>(service, std::move(attempt), std::move(publish), std::move(answer));
}

void delete_host(Mx2Service& service, const std::string& id, const Precondition& guard,
                 Callback<Result<Changed>> answer) {
  auto attempt = [id, guard, &relocation = service.relocation](
                     const Model& model, StoreTransaction& tx,
                     RelocationScopes& scopes) -> Result<Changed> {
    if (auto ok = model.check_removal_of_host(id); !ok) return ok.error();
    const auto document = document_of(model.host(id));
    if (auto ok = check(guard, true, etag_of(document)); !ok) return ok.error();
    add_apps_of(model.host(id)->host, relocation, scopes);
    if (auto stored = tx.delete_host(id); !stored) return stored.error();
    return Changed{false, etag_of(document), document};
  };
  auto publish = [id](Model& model) { model.remove_host(id); };
  submit<Changed>(service, std::move(attempt), std::move(publish), std::move(answer));
}

void patch_table(Mx2Service& service, std::vector<TableChange> changes, const Precondition& guard,
                 Callback<Result<Patched>> answer) {
  const auto shared = std::make_shared<std::vector<TableChange>>(std::move(changes));
  auto attempt = [shared, guard, &clock = service.clock, &relocation = service.relocation](
                     const Model& model, StoreTransaction& tx,
                     RelocationScopes& scopes) -> Result<Patched> {
    const auto etag = "\"" + std::to_string(model.table_version()) + "\"";
    if (auto ok = check(guard, true, etag); !ok) return ok.error();
    for (const auto& change : *shared) {
      if (auto ok = model.check(change); !ok) return ok.error();
    }
    add_contexts_of(*shared, relocation, scopes);
    return store_rows(model, tx, *shared, clock.now_ms());
  };
  auto publish = [shared](Model& model) { publish_rows(model, *shared); };
  submit<Patched>(service, std::move(attempt), std::move(publish), std::move(answer));
}

void load_content(Mx2Service& service, Content content, Callback<Result<Patched>> answer) {
  const auto shared = std::make_shared<Content>(std::move(content));
  auto attempt = [shared, &service](const Model& model, StoreTransaction& tx,
                                    RelocationScopes&) -> Result<Patched> {
    Model trial;  // what the model will be, to check each row against all apps and hosts
    for (const auto& app : shared->apps) {
      if (auto ok = trial.put_app(app); !ok) return ok.error();
      if (auto ok = tx.put_app(app); !ok) return ok.error();
    }
    for (auto& host : shared->hosts) {
      name_instances(host, nullptr, service.ids);
      if (auto ok = trial.check_host(host); !ok) return ok.error();
      if (auto ok = trial.put_host(host); !ok) return ok.error();
      if (auto ok = tx.put_host(host); !ok) return ok.error();
    }
    for (const auto& row : shared->rows) {
      if (auto ok = trial.check(row); !ok) return ok.error();
    }
    return store_rows(model, tx, shared->rows, service.clock.now_ms());
  };
  auto publish = [shared](Model& model) {
    for (const auto& app : shared->apps) expect(model.put_app(app));
    for (const auto& host : shared->hosts) expect(model.put_host(host));
    publish_rows(model, shared->rows);
  };
  submit<Patched>(service, std::move(attempt), std::move(publish), std::move(answer));
}

void end_app_context(Mx2Service& service, std::string context_id, Callback<Result<void>> answer) {
  delete_app_context(service, std::move(context_id), Caller{}, std::nullopt, EndedBy::kSystem,
                     std::move(answer));
}

void probe_store(Mx2Service& service, Callback<Result<void>> answer) {
  class Probe final : public UnitOfWork {
   public:
    explicit Probe(Callback<Result<void>> answer) : answer_(std::move(answer)) {}
    Result<void> run(StoreTransaction& /*transaction*/) override { return {}; }
    void done(const Result<void>& outcome) noexcept override { answer_(outcome); }

   private:
    Callback<Result<void>> answer_;
  };
  service.store.submit(std::make_unique<Probe>(std::move(answer)));
}

}  // namespace mx2
