// An orchestrator without its listeners, on a store that can be made to fail, that can be stopped
// and started on the same file.
#pragma once

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

#include "api/mx2/codec.h"
#include "orchestrator/core/table_rewriter.h"
#include "orchestrator/domain/placement.h"
#include "orchestrator/mx2/procedures.h"
#include "orchestrator/operator/procedures.h"
#include "tests/catch.h"
#include "tests/support/failing_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/sequential_ids.h"
#include "tests/support/units.h"

namespace mx2::test {

class Program {
 public:
  struct Running {
    explicit Running(StoreInDir& files)
        : store(files.open().value()),
          events({}, files.registry.gauge("listeners", "test")),
          changes({}, 1),
          ledger(1000, 1000, events, changes, files.registry),
          relocation(model, store, clock, ledger, strategy, files.registry) {
      const auto stored = store.load(
          {[this](App&& app) { return model.write([&](Model& m) { return m.put_app(app); }); },
           [this](Host&& host) { return model.write([&](Model& m) { return m.put_host(host); }); },
           [this](TableChange&& row) -> Result<void> {
             model.write([&](Model& m) { m.apply(row); });
             return {};
           },
           [this](const ContextRecord& context) { ledger.restore(context); },
           [this](Package&& package) { model.write([&](Model& m) { m.put_package(package); }); }});
      REQUIRE(stored.ok());
      model.write([&](Model& m) { m.set_table_version(stored->table_version); });
      relocating = stored->relocating;
      relocation.resume(relocating);
      REQUIRE(rewriter.resume(*stored).ok());
    }
    ~Running() {
      rewriter.stop();
      relocation.stop();
      store.close();
    }

    FailingStore store;
    LiveModel model;
    ManualClock clock{1000};
    SequentialIds ids;
    StrategyOptions strategy;
    ContextEvents events;
    ChangeFeed changes;
    ContextLedger ledger;
    Relocation relocation;
    Core core{model, store, clock, ids, changes, relocation};
    Contexts contexts{core, ledger, events, strategy};
    TableRewriter rewriter{core};
    bool relocating = false;  // as it was found
  };

  // With `count` contexts of app "a", all at north: hosts north and south run it.
  explicit Program(int count = 4) {
    start();
    Content content;
    content.apps = {sample_app("a", "alpha")};
    content.hosts = {sample_host("north", {"a"}), sample_host("south", {"a"})};
    content.rows = {sample_row("*", "a", {"host:north"})};
    REQUIRE(wait<Patched>([&](auto answer) {
              load_content(running->core, content, std::move(answer));
            }).ok());
    for (int i = 0; i < count; ++i) create("ue-" + std::to_string(i));
  }

  void start() { running = std::make_unique<Running>(files); }
  void stop() { running.reset(); }

  template <typename T, typename F>
  Result<T> wait(F&& procedure) {
    std::promise<Result<T>> promise;
    procedure(Callback<Result<T>>([&](Result<T> result) { promise.set_value(std::move(result)); }));
    return promise.get_future().get();
  }

  void create(const std::string& dev_app_id) {
    auto body = minimal_context(dev_app_id);
    body["appInfo"]["appName"] = "alpha";
    body["callbackReference"] = "http://ue.example/" + dev_app_id;
    const auto made = wait<StoredContext>([&](auto answer) {
      create_app_context(running->contexts, codec::decode_create_request(json::dump(body)).value(),
                         Caller{}, false, std::move(answer));
    });
    REQUIRE(made.ok());
    contexts.push_back(made->context_id);
  }

  Result<Patched> rewrite(const std::vector<TableChange>& rows) {
    return wait<Patched>(
        [&](auto answer) { running->rewriter.patch(rows, {}, std::move(answer)); });
  }

  [[nodiscard]] ContextRecord record(const std::string& id) {
    ContextRecord found;
    REQUIRE(apply(running->store.real(), [&](StoreTransaction& tx) -> Result<void> {
              found = *tx.find_context(id).value();
              return {};
            }).ok());
    return found;
  }

  // True when each context has the address that the model gives it, and is told so if it moved.
  [[nodiscard]] bool agrees() {
    return std::all_of(contexts.begin(), contexts.end(), [&](const auto& id) {
      const auto context = record(id);
      const auto placed = place(running->model.unlocked(),
                                {context.app_d_id, context.dev_app_id, std::nullopt, nullptr, {}});
      const auto owed = running->store.notification(id).value();
      const bool told = owed && owed->revision == context.revision &&
                        json::parse(owed->body).value()["referenceURI"] == context.reference_uri;
      return placed->reference_uri == context.reference_uri && (told || context.revision == 1);
    });
  }
  // The writer has nothing more to do, or three seconds are over.
  bool settles() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(3);
    while (std::chrono::steady_clock::now() < deadline) {
      if (agrees()) return true;
      std::this_thread::yield();
    }
    return false;
  }

  StoreInDir files;
  std::unique_ptr<Running> running;
  std::vector<std::string> contexts;
};

}  // namespace mx2::test
