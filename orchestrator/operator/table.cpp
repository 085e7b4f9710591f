// The table, row by row.
#include "orchestrator/operator/procedures.h"

namespace mx2 {
namespace {

Result<Patched> store_rows(const Model& model, StoreTransaction& transaction,
                           std::vector<TableChange>& changes, const std::string& summary,
                           std::int64_t now_ms) {
  TableVersion version;
  version.version = model.table_version() + 1;
  version.summary = summary;
  version.rows = changes.size();
  version.created_ms = now_ms;
  for (auto& change : changes) {
    change.row.version = version.version;
    change.row.updated_ms = now_ms;
    const auto before = transaction.find_row(change.row.ue, change.row.app_d_id);
    if (!before) return before.error();
    if (auto stored = store_row(transaction, change, *before); !stored) return stored.error();
  }
  if (auto stored = transaction.put_table_version(version); !stored) return stored.error();
  if (auto stored = transaction.set_table_version(version.version); !stored) return stored.error();
  return Patched{version.version, changes.size()};
}

void publish_rows(Model& model, ChangeFeed& feed, const std::vector<TableChange>& changes) {
  for (const auto& change : changes) {
    model.apply(change);
    feed.publish(change);
  }
  model.set_table_version(model.table_version() + 1);
}

}  // namespace

void patch_table(Core& core, std::vector<TableChange> changes, const Precondition& guard,
                 Callback<Result<Patched>> answer) {
  const auto shared = std::make_shared<std::vector<TableChange>>(std::move(changes));
  auto attempt = [shared, guard, &clock = core.clock, &relocation = core.relocation](
                     const Model& model, StoreTransaction& tx,
                     RelocationScopes& scopes) -> Result<Patched> {
    const auto etag = "\"" + std::to_string(model.table_version()) + "\"";
    if (auto ok = check(guard, true, etag); !ok) return ok.error();
    for (const auto& change : *shared) {
      if (auto ok = model.check(change); !ok) return ok.error();
    }
    add_contexts_of(*shared, relocation, scopes);
    return store_rows(model, tx, *shared, "", clock.now_ms());
  };
  auto publish = [shared, &core](Model& model, ChangeFeed& feed) {
    publish_rows(model, feed, *shared);
    shorten_history(core.store);
  };
  submit_change<Patched>(core, std::move(attempt), std::move(publish), std::move(answer));
}

void load_content(Core& core, Content content, Callback<Result<Patched>> answer) {
  const auto shared = std::make_shared<Content>(std::move(content));
  auto attempt = [shared, &core](const Model& model, StoreTransaction& tx,
                                 RelocationScopes&) -> Result<Patched> {
    Model trial;  // what the model will be, to check each row against all apps and hosts
    for (const auto& app : shared->apps) {
      if (auto ok = trial.put_app(app); !ok) return ok.error();
      if (auto ok = tx.put(app); !ok) return ok.error();
    }
    for (auto& host : shared->hosts) {
      take_as_put(host);
      name_instances(host, nullptr, core.ids);
      if (auto ok = trial.check_host(host); !ok) return ok.error();
      if (auto ok = trial.put_host(host); !ok) return ok.error();
      if (auto ok = tx.put(host); !ok) return ok.error();
    }
    for (const auto& row : shared->rows) {
      if (auto ok = trial.check(row); !ok) return ok.error();
    }
    return store_rows(model, tx, shared->rows, "first content", core.clock.now_ms());
  };
  auto publish = [shared](Model& model, ChangeFeed& feed) {
    for (const auto& app : shared->apps) expect(model.put_app(app));
    for (const auto& host : shared->hosts) expect(model.put_host(host));
    publish_rows(model, feed, shared->rows);
  };
  submit_change<Patched>(core, std::move(attempt), std::move(publish), std::move(answer));
}

}  // namespace mx2
