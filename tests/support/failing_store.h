// A store whose n-th write or read inside a transaction fails: for every n, memory and disk must
// agree afterwards.
#pragma once

#include <memory>

#include "orchestrator/store/store.h"

namespace mx2::test {

class FailingTransaction final : public StoreTransaction {
 public:
  // `countdown`: calls until the one that fails; 0 or less: none does.
  FailingTransaction(StoreTransaction& real, int& countdown) : real_(real), left_(countdown) {}

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
  Result<void> put_app(const App& app) override { return fails() ? error() : real_.put_app(app); }
  Result<void> delete_app(const std::string& id) override {
    return fails() ? error() : real_.delete_app(id);
  }
  Result<void> put_host(const Host& host) override {
    return fails() ? error() : real_.put_host(host);
  }
  Result<void> delete_host(const std::string& id) override {
    return fails() ? error() : real_.delete_host(id);
  }
  Result<void> put_package(const Package& package) override {
    return fails() ? error() : real_.put_package(package);
  }
  Result<void> delete_package(const std::string& id) override {
    return fails() ? error() : real_.delete_package(id);
  }
  Result<void> put_package_subscription(const PackageSubscription& subscription) override {
    return fails() ? error() : real_.put_package_subscription(subscription);
  }
  Result<void> delete_package_subscription(const std::string& id) override {
    return fails() ? error() : real_.delete_package_subscription(id);
  }
  Result<void> put_row(const Association& row) override {
    return fails() ? error() : real_.put_row(row);
  }
  Result<void> delete_row(const UeSelector& ue, const std::string& app) override {
    return fails() ? error() : real_.delete_row(ue, app);
  }
  Result<void> set_table_version(std::uint64_t version) override {
    return fails() ? error() : real_.set_table_version(version);
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
  // Not counted: it is done in the background, after whatever is tested.
  Result<bool> shorten_history() override { return real_.shorten_history(); }
  Result<void> put_rewrite_piece(std::size_t piece, const std::string& document) override {
    return fails() ? error() : real_.put_rewrite_piece(piece, document);
  }
  Result<void> delete_rewrite_piece(std::size_t piece) override {
    return fails() ? error() : real_.delete_rewrite_piece(piece);
  }
  Result<ContextScan> scan_contexts(const std::string& after, std::size_t limit,
                                    const std::set<std::string>& apps) override {
    if (fails()) return broken();
    return real_.scan_contexts(after, limit, apps);
  }
  Result<void> set_relocating(bool relocating) override {
    return fails() ? error() : real_.set_relocating(relocating);
  }
  Result<void> set_optimizer_paused(bool paused) override {
    return fails() ? error() : real_.set_optimizer_paused(paused);
  }
  Result<void> put_notification(const notifier::OutboxEntry& entry) override {
    return fails() ? error() : real_.put_notification(entry);
  }
  Result<void> redirect_notification(const std::string& id, const std::string& callback,
                                     std::int64_t now_ms) override {
    return fails() ? error() : real_.redirect_notification(id, callback, now_ms);
  }
  Result<void> delete_notification(const std::string& id) override {
    return fails() ? error() : real_.delete_notification(id);
  }
  Result<void> settle_notification(const notifier::Outcome& outcome) override {
    return fails() ? error() : real_.settle_notification(outcome);
  }
  bool time_is_up() const override { return real_.time_is_up(); }
  Result<std::size_t> revive_notifications(const std::string& id, std::int64_t now_ms) override {
    if (fails()) return broken();
    return real_.revive_notifications(id, now_ms);
  }

 private:
  [[nodiscard]] bool fails() { return --left_ == 0; }
  static Error broken() { return unavailable("the storage does not work"); }
  static Result<void> error() { return broken(); }

  StoreTransaction& real_;
  int& left_;
};

// Hands every unit a FailingTransaction; everything else goes to `real`.
class FailingStore final : public Store {
 public:
  explicit FailingStore(std::unique_ptr<Store> real) : real_(std::move(real)) {}

  // From now on the n-th call fails; 0: none. Not while units are waiting.
  void fail_at(int n) { countdown_ = n; }
  // False when fewer calls were made than fail_at() asked for.
  [[nodiscard]] bool has_failed() const { return countdown_ <= 0; }

  // For looking at it: its calls are not counted.
  [[nodiscard]] Store& real() { return *real_; }

  void submit(std::unique_ptr<UnitOfWork> work) override {
    real_->submit(std::make_unique<Wrapped>(std::move(work), countdown_));
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
  Result<Page<TableVersion>> table_versions(const std::string& cursor, std::size_t limit) override {
    return real_->table_versions(cursor, limit);
  }
  Result<std::vector<TableChange>> changes_back_to(std::uint64_t version) override {
    return real_->changes_back_to(version);
  }
  Result<std::vector<notifier::OutboxEntry>> notifications(std::uint64_t after,
                                                           std::size_t limit) override {
    return real_->notifications(after, limit);
  }
  Result<std::optional<notifier::OutboxEntry>> notification(const std::string& id) override {
    return real_->notification(id);
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
    Wrapped(std::unique_ptr<UnitOfWork> unit, int& countdown)
        : unit_(std::move(unit)), countdown_(countdown) {}
    Result<void> run(StoreTransaction& transaction) override {
      FailingTransaction failing(transaction, countdown_);
      return unit_->run(failing);
    }
    void done(const Result<void>& outcome) noexcept override { unit_->done(outcome); }
    [[nodiscard]] bool changes_model() const override { return unit_->changes_model(); }
    [[nodiscard]] bool background() const override { return unit_->background(); }

   private:
    std::unique_ptr<UnitOfWork> unit_;
    int& countdown_;
  };

  std::unique_ptr<Store> real_;
  int countdown_ = 0;
};

}  // namespace mx2::test
