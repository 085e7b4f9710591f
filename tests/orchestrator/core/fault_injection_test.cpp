// Every procedure, with the n-th call of its transaction failing, for every n: it answers an error,
// and neither store nor memory has changed.
#include "api/mx2/codec.h"
#include "orchestrator/core/table_rewriter.h"
#include "orchestrator/mx2/procedures.h"
#include "orchestrator/operator/procedures.h"
#include "tests/catch.h"
#include "tests/support/failing_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/sequential_ids.h"
#include "tests/support/units.h"

namespace mx2 {
namespace {

using test::sample_app;
using test::sample_host;
using test::sample_row;

// What procedures answer, brought to one form.
struct Outcome {
  bool ok = false;
  std::string context_id;
};

template <typename T>
Callback<Result<T>> into(std::promise<Outcome>& promise) {
  return [&promise](Result<T> result) {
    Outcome outcome{result.ok(), {}};
    if constexpr (std::is_same_v<T, StoredContext>) {
      if (result.ok()) outcome.context_id = result->context_id;
    }
    promise.set_value(outcome);
  };
}

class FailingProgram {
 public:
  FailingProgram() {
    Content content;
    content.apps = {sample_app("a", "alpha"), sample_app("b", "beta")};
    content.hosts = {sample_host("north", {"a"}), sample_host("south", {"a"}),
                     sample_host("spare", {})};
    content.rows = {sample_row("*", "a", {"host:north"})};
    REQUIRE(run<Patched>([&](auto answer) { load_content(core, content, std::move(answer)); }).ok);
    context_id = create().context_id;
    REQUIRE_FALSE(context_id.empty());
  }

  template <typename T, typename F>
  Outcome run(F&& procedure) {
    std::promise<Outcome> promise;
    procedure(into<T>(promise));
    return promise.get_future().get();
  }

  Outcome create() {
    auto body = test::minimal_context();
    body["appInfo"]["appName"] = "alpha";
    return run<StoredContext>([&](auto answer) {
      create_app_context(contexts, codec::decode_create_request(json::dump(body)).value(), Caller{},
                         false, std::move(answer));
    });
  }

  Outcome update() {
    auto body = test::minimal_context();
    body["callbackReference"] = "http://new.example/";
    return run<std::uint64_t>([&](auto answer) {
      update_app_context(contexts, context_id,
                         codec::decode_update_request(json::dump(body)).value(), Caller{}, {},
                         std::move(answer));
    });
  }

  Outcome patch() {
    auto removal = sample_row("*", "a", {});
    removal.remove = true;
    const std::vector<TableChange> changes{sample_row("dev:x", "a", {"host:south"}),
                                           sample_row("dev:y", "a", {"host:south"}), removal};
    return run<Patched>([&](auto answer) { rewriter.patch(changes, {}, std::move(answer)); });
  }

  // Everything that is in memory, as text.
  [[nodiscard]] std::string memory() {
    const auto& m = model.unlocked();
    std::string text = std::to_string(m.table_version()) + " rows " +
                       std::to_string(m.table().rows()) + " contexts " +
                       std::to_string(ledger.total());
    for (const auto& [id, entry] : m.apps()) text += " " + id + entry.app.info.app_name;
    for (const auto& [id, entry] : m.hosts()) {
      text += " " + id + std::to_string(static_cast<int>(entry.host.state)) + "/" +
              std::to_string(entry.host.instances.size());
    }
    return text;
  }
  // Everything that is stored, as text.
  [[nodiscard]] std::string disk() {
    std::string text;
    static_cast<void>(test::apply(*store, [&](StoreTransaction& tx) -> Result<void> {
      const auto found = tx.find_context(context_id);
      if (found.ok() && *found) text = std::to_string((*found)->revision) + (*found)->document;
      return {};
    }));
    const auto loaded = test::load(*store).value();
    for (const auto* list : {&loaded.apps, &loaded.hosts, &loaded.rows}) {
      for (const auto& item : *list) text += " " + item;
    }
    return text + " " + std::to_string(loaded.contexts) + " " +
           std::to_string(loaded.table_version);
  }
  // Memory rebuilt from the store is the memory there is.
  [[nodiscard]] bool agree() {
    const auto loaded = test::load(*store).value();
    const auto& m = model.unlocked();
    return loaded.apps.size() == m.apps().size() && loaded.hosts.size() == m.hosts().size() &&
           loaded.rows.size() == m.table().rows() && loaded.contexts == ledger.total() &&
           loaded.table_version == m.table_version();
  }

  test::StoreInDir files;
  std::unique_ptr<test::FailingStore> store =
      std::make_unique<test::FailingStore>(files.open().value());
  LiveModel model;
  ManualClock clock;
  SequentialIds ids;
  StrategyOptions strategy{Strategy::kBaseline, 3};
  ContextEvents events{{}, files.registry.gauge("listeners", "test")};
  ChangeFeed feed{{}, 1};
  ContextLedger ledger{100, 100, events, feed, files.registry};
  Relocation relocation{model, *store, clock, ledger, strategy, files.registry};
  Core core{model, *store, clock, ids, feed, relocation};
  Contexts contexts{core, ledger, events, strategy};
  TableRewriter rewriter{core};
  std::string context_id;
};

struct Procedure {
  const char* name;
  std::function<Outcome(FailingProgram&)> call;
};

std::vector<Procedure> procedures() {
  return {
      {"create", [](FailingProgram& f) { return f.create(); }},
      {"update", [](FailingProgram& f) { return f.update(); }},
      {"delete",
       [](FailingProgram& f) {
         return f.run<void>([&](auto answer) {
           delete_app_context(f.core, f.ledger, f.context_id, Caller{}, {}, EndedBy::kDeviceApp,
                              std::move(answer));
         });
       }},
      {"get",
       [](FailingProgram& f) {
         return f.run<StoredContext>([&](auto answer) {
           get_app_context(*f.store, f.context_id, Caller{}, std::move(answer));
         });
       }},
      {"end",
       [](FailingProgram& f) {
         return f.run<void>([&](auto answer) {
           delete_app_context(f.core, f.ledger, f.context_id, Caller{}, {}, EndedBy::kSystem,
                              std::move(answer));
         });
       }},
      {"put app",
       [](FailingProgram& f) {
         return f.run<Changed>([&](auto answer) {
           put_app(f.core, sample_app("b", "renamed"), {}, std::move(answer));
         });
       }},
      {"delete app",
       [](FailingProgram& f) {
         return f.run<Changed>(
             [&](auto answer) { delete_app(f.core, "b", {}, std::move(answer)); });
       }},
      {"put host",
       [](FailingProgram& f) {
         return f.run<Changed>([&](auto answer) {
           put_host(f.core, sample_host("spare", {"a", "b"}), {}, std::move(answer));
         });
       }},
      {"cordon",
       [](FailingProgram& f) {
         return f.run<Changed>([&](auto answer) {
           set_host_state(f.core, "north", HostState::kCordoned, {}, std::move(answer));
         });
       }},
      {"delete host",
       [](FailingProgram& f) {
         return f.run<Changed>(
             [&](auto answer) { delete_host(f.core, "spare", {}, std::move(answer)); });
       }},
      {"patch table", [](FailingProgram& f) { return f.patch(); }},
  };
}

TEST_CASE("a store that fails at any call leaves store and memory as they were", "[store][fault]") {
  for (const auto& procedure : procedures()) {
    int n = 1;
    for (;; ++n) {
      CAPTURE(procedure.name, n);
      FailingProgram fixture;
      const auto memory = fixture.memory();
      const auto disk = fixture.disk();
      fixture.store->fail_at(n);
      const auto outcome = procedure.call(fixture);
      const bool failed = fixture.store->has_failed();
      fixture.store->fail_at(0);
      if (!failed) {
        CHECK(outcome.ok);
        CHECK(fixture.agree());
        break;
      }
      CHECK_FALSE(outcome.ok);
      CHECK(fixture.memory() == memory);
      CHECK(fixture.disk() == disk);
      CHECK(fixture.agree());
      CHECK(procedure.call(fixture).ok);  // it is not broken for good
      CHECK(fixture.agree());
    }
    INFO(procedure.name);
    CHECK(n > 1);
  }
}

TEST_CASE("first content that cannot be stored whole is not stored at all", "[store][fault]") {
  for (int n = 1;; ++n) {
    CAPTURE(n);
    test::StoreInDir files;
    test::FailingStore store(files.open().value());
    LiveModel model;
    ManualClock clock;
    SequentialIds ids;
    const StrategyOptions strategy;
    ContextEvents events({}, files.registry.gauge("listeners", "test"));
    ChangeFeed feed({}, 1);
    ContextLedger ledger(9, 9, events, feed, files.registry);
    Relocation relocation(model, store, clock, ledger, strategy, files.registry);
    Core core{model, store, clock, ids, feed, relocation};
    Content content;
    content.apps = {sample_app("a")};
    content.hosts = {sample_host("n", {"a"})};
    content.rows = {sample_row("*", "a", {"host:n"})};
    store.fail_at(n);
    std::promise<Outcome> promise;
    load_content(core, content, into<Patched>(promise));
    if (promise.get_future().get().ok) {
      CHECK(n == 8);
      break;
    }
    CHECK(model.unlocked().apps().empty());
    CHECK(test::load(store).value() == test::Loaded{});
  }
}

}  // namespace
}  // namespace mx2
