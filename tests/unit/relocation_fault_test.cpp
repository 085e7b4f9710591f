// A rewrite that contexts follow, with the n-th call of the storage failing, for every n: in the
// end every context agrees with the table, and the outbox holds its last address.
#include <thread>

#include "api/mx2/codec.h"
#include "orchestrator/operator/service.h"
#include "tests/catch.h"
#include "tests/support/failing_store.h"
#include "tests/support/units.h"

namespace mx2 {
namespace {

using test::sample_app;
using test::sample_host;
using test::sample_row;

constexpr int kContexts = 4;

// An orchestrator without its listeners, that can be stopped and started on the same file.
class Program {
 public:
  struct Running {
    explicit Running(test::StoreInDir& files)
        : store(files.open().value()),
          events({}, files.registry.gauge("listeners", "test")),
          changes({}, 1),
          relocation(model, store, clock, index, strategy, events, changes, files.registry),
          quota(1000, 1000, files.registry.gauge("contexts", "test")) {
      const auto stored = store.load(
          {[this](App&& app) { return model.write([&](Model& m) { return m.put_app(app); }); },
           [this](Host&& host) { return model.write([&](Model& m) { return m.put_host(host); }); },
           [this](TableChange&& row) -> Result<void> {
             model.write([&](Model& m) { m.apply(row); });
             return {};
           },
           [this](const ContextOwner& owner, const std::string& app, const std::string& id) {
             quota.restore(owner);
             index.add(app, owner.dev_app_id, id);
           }});
      REQUIRE(stored.ok());
      model.write([&](Model& m) { m.set_table_version(stored->table_version); });
      relocating = stored->relocating;
      relocation.resume(relocating);
    }
    ~Running() {
      relocation.stop();
      store.close();
    }

    test::FailingStore store;
    LiveModel model;
    ManualClock clock{1000};
    SequentialIds ids;
    ContextIndex index;
    StrategyOptions strategy;
    ContextEvents events;
    ChangeFeed changes;
    Relocation relocation;
    ContextQuota quota;
    Mx2Service service{model, store,    clock,      ids,    quota,
                       index, strategy, relocation, events, changes};
    bool relocating = false;  // as it was found
  };

  Program() {
    start();
    Content content;
    content.apps = {sample_app("a", "alpha")};
    content.hosts = {sample_host("north", {"a"}), sample_host("south", {"a"})};
    content.rows = {sample_row("*", "a", {"host:north"})};
    REQUIRE(wait<Patched>([&](auto answer) {
              load_content(running->service, content, std::move(answer));
            }).ok());
    for (int i = 0; i < kContexts; ++i) create("ue-" + std::to_string(i));
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
    auto body = test::minimal_context(dev_app_id);
    body["appInfo"]["appName"] = "alpha";
    body["callbackReference"] = "http://ue.example/" + dev_app_id;
    const auto made = wait<StoredContext>([&](auto answer) {
      create_app_context(running->service, codec::decode_create_request(json::dump(body)).value(),
                         Caller{}, false, std::move(answer));
    });
    REQUIRE(made.ok());
    contexts.push_back(made->context_id);
  }

  Result<Patched> rewrite(const std::vector<TableChange>& rows) {
    return wait<Patched>(
        [&](auto answer) { patch_table(running->service, rows, {}, std::move(answer)); });
  }

  [[nodiscard]] ContextRecord record(const std::string& id) {
    ContextRecord found;
    REQUIRE(test::apply(running->store.real(), [&](StoreTransaction& tx) -> Result<void> {
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

  test::StoreInDir files;
  std::unique_ptr<Running> running;
  std::vector<std::string> contexts;
};

std::vector<TableChange> all_south() { return {sample_row("*", "a", {"host:south"})}; }

std::vector<TableChange> two_south() {
  return {sample_row("dev:ue-0", "a", {"host:south"}), sample_row("dev:ue-2", "a", {"host:south"})};
}

TEST_CASE("relocation: a rewrite that fails at any call is made good by the next start",
          "[store][fault][relocation]") {
  for (const auto& rows : {all_south(), two_south()}) {
    for (int n = 1; n <= 16; ++n) {  // more than there are calls: four, and two for each context
      CAPTURE(rows.size(), n);
      Program program;
      program.running->store.fail_at(n);
      const bool taken = program.rewrite(rows).ok();
      program.stop();  // at once: what has failed is not tried again in this life
      program.start();
      REQUIRE(program.settles());
      CHECK((program.record(program.contexts[0]).host_id == "south") == taken);
    }
  }
}

TEST_CASE("relocation: a piece that fails is tried again without a restart",
          "[store][fault][relocation]") {
  for (const int call : {4, 6, 8}) {  // after the three or four of the rewrite itself
    CAPTURE(call);
    Program program;
    program.running->store.fail_at(call);
    REQUIRE(program.rewrite(all_south()).ok());
    CHECK(program.settles());
    CHECK(program.running->store.has_failed());
  }
}

TEST_CASE("relocation: a crash between the rewrite and its pieces is noticed",
          "[store][fault][relocation]") {
  Program program;
  program.running->relocation.stop();
  program.running->store.fail_at(4);  // the first call of the first piece
  REQUIRE(program.rewrite(all_south()).ok());
  program.stop();
  program.start();
  CHECK(program.running->relocating);
  REQUIRE(program.settles());
  for (const auto& id : program.contexts) CHECK(program.record(id).host_id == "south");
  program.stop();
  program.start();
  CHECK_FALSE(program.running->relocating);
}

TEST_CASE("relocation: rewrites while pieces are under way end with the last",
          "[store][relocation]") {
  Program program;
  for (int i = 0; i < 300; ++i) program.create("more-" + std::to_string(i % 90));
  for (int i = 0; i < 20; ++i) {
    const char* target = i % 2 == 0 ? "host:south" : "host:north";
    REQUIRE(program.rewrite({sample_row("*", "a", {target})}).ok());
    REQUIRE(program.rewrite({sample_row("dev:more-" + std::to_string(i), "a", {target})}).ok());
  }
  CHECK(program.settles());
}

}  // namespace
}  // namespace mx2
