// The first content of an empty store.
#include "orchestrator/operator/procedures.h"

namespace mx2 {

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
    TableVersion about;
    about.summary = "first content";
    return store_rows(model, tx, shared->rows, about, core.clock.now_ms());
  };
  auto publish = [shared](Model& model, ChangeFeed& feed) {
    for (const auto& app : shared->apps) expect(model.put_app(app));
    for (const auto& host : shared->hosts) expect(model.put_host(host));
    publish_rows(model, feed, shared->rows);
  };
  submit_change<Patched>(core, std::move(attempt), std::move(publish), std::move(answer));
}

}  // namespace mx2
