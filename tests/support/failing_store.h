// A store whose n-th write or read inside a transaction fails, or is when something else happens:
// for every n, memory and disk must agree afterwards.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "orchestrator/store/store.h"

namespace mx2::test {

// What goes wrong, and when.
struct Trouble {
  std::atomic<int> countdown = 0;     // calls until it does; 0 or less: nothing does
  std::function<void()> instead;      // is called then, and the call succeeds; empty: it fails
  std::atomic<bool> hurried = false;  // the time of background work is always up
  std::function<void()> past_is_read;
};

class FailingTransaction final : public StoreTransaction {
 public:
  FailingTransaction(StoreTransaction& real, Trouble& trouble) : real_(real), trouble_(trouble) {}

  Result<void> insert_context(const ContextRecord& c) override {
    return fails() ? error() : real_.insert_context(c);
  }
  Result<std::optional<ContextRecord>> find_context(const std::string& id) override {
    if (fails()) return broken();
    return real_.find_context(id);
  }
  Result<void> update_context(const ContextRecord& c) override {
    return fails() ? error() : real_.update_context(c);
  }
  Result<void> delete_context(const std::string& id) override {
    return fails() ? error() : real_.delete_context(id);
  }
  Result<void> put_document(Stored kind, const std::string& id,
                            const std::string& document) override {
    return fails() ? error() : real_.put_document(kind, id, document);
  }
  Result<void> delete_document(Stored kind, const std::string& id) override {
    return fails() ? error() : real_.delete_document(kind, id);
  }
  Result<void> put_row(const Association& row) override {
    return fails() ? error() : real_.put_row(row);
  }
  Result<void> delete_row(const UeSelector& ue, const std::string& app) override {
    return fails() ? error() : real_.delete_row(ue, app);
  }
  Result<std::optional<Association>> find_row(const UeSelector& ue,
                                              const std::string& app) override {
    if (fails()) return broken();
    return real_.find_row(ue, app);
  }
  Result<void> put_table_version(const TableVersion& version) override {
    return fails() ? error() : real_.put_table_version(version);
  }
  Result<void> put_row_before(std::uint64_t version, const UeSelector& ue, const std::string& app,
                              const std::optional<Association>& before) override {
    return fails() ? error() : real_.put_row_before(version, ue, app, before);
  }
  Result<bool> has_row_before(std::uint64_t version, const UeSelector& ue,
                              const std::string& app) override {
    if (fails()) return broken();
    return real_.has_row_before(version, ue, app);
  }
  // Not counted: it is done in the background, after whatever is tested.
  Result<bool> shorten_history() override { return real_.shorten_history(); }
  Result<ContextScan> scan_contexts(const std::string& after, std::size_t limit,
                                    const std::set<std::string>& apps) override {
    if (fails()) return broken();
    return real_.scan_contexts(after, limit, apps);
  }
  Result<bool> put_notification_alike(const notifier::OutboxEntry& entry) override {
    if (fails()) return broken();
    return real_.put_notification_alike(entry);
  }
  Result<void> put_notification(const notifier::OutboxEntry& entry) override {
    return fails() ? error() : real_.put_notification(entry);
  }
  Result<std::optional<notifier::OutboxEntry>> find_notification(const std::string& id,
                                                                 notifier::Topic topic) override {
    if (fails()) return broken();
    return real_.find_notification(id, topic);
  }
  Result<void> redirect_notifications(const std::string& id, const std::string& callback,
                                      std::int64_t now_ms) override {
    return fails() ? error() : real_.redirect_notifications(id, callback, now_ms);
  }
  Result<void> delete_notification(const std::string& id, notifier::Topic topic) override {
    return fails() ? error() : real_.delete_notification(id, topic);
  }
  Result<void> delete_notifications(const std::string& id) override {
    return fails() ? error() : real_.delete_notifications(id);
  }
  Result<void> settle_notification(const notifier::Outcome& outcome) override {
    return fails() ? error() : real_.settle_notification(outcome);
  }
  bool time_is_up() const override { return trouble_.hurried || real_.time_is_up(); }
  Result<std::size_t> revive_notifications(const std::string& id, std::int64_t now_ms) override {
    if (fails()) return broken();
    return real_.revive_notifications(id, now_ms);
  }

 private:
  [[nodiscard]] bool fails() {
    if (--trouble_.countdown != 0) return false;
    if (!trouble_.instead) return true;
    const auto what = trouble_.instead;  // which may say what happens next
    what();
    return false;
  }
  static Error broken() { return unavailable("the storage does not work"); }
  static Result<void> error() { return broken(); }

  StoreTransaction& real_;
  Trouble& trouble_;
};

// Hands every unit a FailingTransaction; everything else goes to `real`.
class FailingStore final : public Store {
 public:
  explicit FailingStore(std::unique_ptr<Store> real) : real_(std::move(real)) {}

  // From now on the n-th call fails; 0: none. Not while units are waiting.
  void fail_at(int n) { call_at(n, {}); }
  // Likewise, but `what` happens in the n-th call, on the writer's thread.
  void call_at(int n, std::function<void()> what) {
    trouble_.instead = std::move(what);
    trouble_.countdown = n;
  }
  // False when fewer calls were made than fail_at() asked for.
  [[nodiscard]] bool has_failed() const { return trouble_.countdown <= 0; }
  // Background work does one thing at a time.
  void hurry(bool hurried = true) { trouble_.hurried = hurried; }
  // What happens when the way back to an old version has been read.
  void when_past_is_read(std::function<void()> what) { trouble_.past_is_read = std::move(what); }
  // Units of background work so far.
  [[nodiscard]] std::size_t background_units() const { return background_units_; }

  // For looking at it: its calls are not counted.
  [[nodiscard]] Store& real() { return *real_; }

  void submit(std::unique_ptr<UnitOfWork> work) override {
    if (work->background()) ++background_units_;
    real_->submit(std::make_unique<Wrapped>(std::move(work), trouble_));
  }
  void close() override { real_->close(); }
  Result<Page<ContextSummary>> contexts(const ContextFilter& filter, const std::string& cursor,
                                        std::size_t limit) override {
    return real_->contexts(filter, cursor, limit);
  }
  Result<Page<Association>> rows(const std::string& app, const std::string& ue,
                                 const std::string& cursor, std::size_t limit) override {
    return real_->rows(app, ue, cursor, limit);
  }
  Result<Page<Association>> rows_of_host(const std::string& host_id, Writer writer,
                                         const std::string& cursor, std::size_t limit) override {
    return real_->rows_of_host(host_id, writer, cursor, limit);
  }
  Result<Page<TableVersion>> table_versions(const std::string& cursor, std::size_t limit) override {
    return real_->table_versions(cursor, limit);
  }
  Result<Page<TableDifference>> table_differences(std::uint64_t from, std::uint64_t to,
                                                  const std::string& cursor,
                                                  std::size_t limit) override {
    return real_->table_differences(from, to, cursor, limit);
  }
  Result<std::vector<TableChange>> changes_back_to(std::uint64_t version) override {
    auto changes = real_->changes_back_to(version);
    if (trouble_.past_is_read) trouble_.past_is_read();
    return changes;
  }
  Result<std::vector<notifier::OutboxEntry>> notifications(std::uint64_t after,
                                                           std::size_t limit) override {
    return real_->notifications(after, limit);
  }
  Result<std::optional<notifier::OutboxEntry>> notification(
      const std::string& id, notifier::Topic topic = notifier::Topic::kInstances) override {
    return real_->notification(id, topic);
  }
  Result<OutboxPage> outbox(bool dead, const std::string& cursor, std::size_t limit) override {
    return real_->outbox(dead, cursor, limit);
  }
  void on_notification(std::function<void()> hook) override {
    real_->on_notification(std::move(hook));
  }
  SetAside& set_aside() override { return real_->set_aside(); }
  Result<Loaded> load(const Loader& loader) override { return real_->load(loader); }

 private:
  class Wrapped final : public UnitOfWork {
   public:
    Wrapped(std::unique_ptr<UnitOfWork> unit, Trouble& trouble)
        : unit_(std::move(unit)), trouble_(trouble) {}
    Result<void> run(StoreTransaction& transaction) override {
      FailingTransaction failing(transaction, trouble_);
      return unit_->run(failing);
    }
    void done(const Result<void>& outcome) noexcept override { unit_->done(outcome); }
    [[nodiscard]] bool changes_model() const override { return unit_->changes_model(); }
    [[nodiscard]] bool background() const override { return unit_->background(); }

   private:
    std::unique_ptr<UnitOfWork> unit_;
    Trouble& trouble_;
  };

  std::unique_ptr<Store> real_;
  Trouble trouble_;
  std::atomic<std::size_t> background_units_ = 0;
};

}  // namespace mx2::test
