// Units of work from lambdas, and a store opened for a test.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>

#include "orchestrator/store/sqlite_store.h"
#include "tests/support/samples.h"
#include "tests/support/temp_dir.h"

namespace mx2::test {

class LambdaUnit final : public UnitOfWork {
 public:
  using Run = std::function<Result<void>(StoreTransaction&)>;
  using Done = std::function<void(const Result<void>&)>;
  LambdaUnit(Run run, Done done, bool changes_model = false)
      : run_(std::move(run)), done_(std::move(done)), changes_model_(changes_model) {}
  Result<void> run(StoreTransaction& transaction) override { return run_(transaction); }
  void done(const Result<void>& outcome) noexcept override { done_(outcome); }
  [[nodiscard]] bool changes_model() const override { return changes_model_; }

 private:
  Run run_;
  Done done_;
  bool changes_model_;
};

// Submits and waits.
inline Result<void> apply(Store& store, LambdaUnit::Run run) {
  std::promise<Result<void>> outcome;
  store.submit(std::make_unique<LambdaUnit>(
      std::move(run), [&](const Result<void>& result) { outcome.set_value(result); }));
  return outcome.get_future().get();
}

inline ContextRecord sample_record(const std::string& id, const std::string& dev_app = "ue") {
  ContextRecord record;
  record.context_id = id;
  record.app_d_id = "a";
  record.dev_app_id = dev_app;
  record.host_id = "north";
  record.reference_uri = "http://north.example/a";
  record.ue = "*";
  record.document = R"({"associateDevAppId":"ue"})";
  return record;
}

inline Result<void> insert(Store& store, const ContextRecord& record) {
  return apply(store, [&](StoreTransaction& tx) { return tx.insert_context(record); });
}

// What a store holds, read as at start-up.
struct Loaded {
  std::vector<std::string> apps;
  std::vector<std::string> hosts;
  std::vector<std::string> rows;
  std::size_t contexts = 0;
  std::uint64_t table_version = 0;
  bool operator==(const Loaded&) const = default;
};

inline Result<Loaded> load(Store& store) {
  Loaded loaded;
  const auto version = store.load({[&](App&& app) -> Result<void> {
                                     loaded.apps.push_back(app.info.app_d_id);
                                     return {};
                                   },
                                   [&](Host&& host) -> Result<void> {
                                     loaded.hosts.push_back(host.id);
                                     return {};
                                   },
                                   [&](TableChange&& change) -> Result<void> {
                                     loaded.rows.push_back(change.row.ue.text() + " " +
                                                           change.row.targets.at(0).text());
                                     return {};
                                   },
                                   [&](const ContextRecord&) { ++loaded.contexts; }});
  if (!version) return version.error();
  loaded.table_version = version->table_version;
  return loaded;
}

class StoreInDir {
 public:
  StoreInDir() { options.path = directory.file("store.sqlite"); }
  [[nodiscard]] Result<std::unique_ptr<SqliteStore>> open() {
    return SqliteStore::open(options, registry);
  }

  TempDir directory;
  metrics::Registry registry;
  SqliteOptions options;
};

inline notifier::OutboxEntry entry_of(const std::string& context_id, std::uint64_t revision = 1) {
  notifier::OutboxEntry entry;
  entry.context_id = context_id;
  entry.revision = revision;
  entry.callback_reference = "http://ue.example/" + context_id;
  entry.type = "AddressChangeNotification";
  entry.body = R"({"revision":)" + std::to_string(revision) + "}";
  entry.created_ms = 11;
  entry.written_ms = 22;
  entry.due_ms = 33;
  return entry;
}

}  // namespace mx2::test
