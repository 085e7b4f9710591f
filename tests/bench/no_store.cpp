#include "tests/bench/no_store.h"

namespace mx2::bench {
namespace {

ContextRecord made_up(const std::string& context_id) {
  ContextRecord record;
  record.context_id = context_id;
  record.app_d_id = "facedetect-1";
  record.dev_app_id = "ue-1";
  record.client_ip = "127.0.0.1";
  record.host_id = "mec-south";
  record.reference_uri = "http://10.0.2.10:9000/facedetect";
  record.ue = "ip:127.0.0.0/8";
  record.document =
      R"({"appInfo":{"appDId":"facedetect-1","appDVersion":"1.0","appName":"facedetect",)"
      R"("appProvider":"Example","userAppInstanceInfo":[{"appInstanceId":)"
      R"("00000000000000000000000000000001","referenceURI":"http://10.0.2.10:9000/facedetect"}]},)"
      R"("associateDevAppId":"ue-1","contextId":")" +
      context_id + "\"}";
  return record;
}

class NoTransaction final : public StoreTransaction {
 public:
  Result<void> insert_context(const ContextRecord& /*context*/) override { return {}; }
  Result<std::optional<ContextRecord>> find_context(const std::string& context_id) override {
    return std::optional(made_up(context_id));
  }
  Result<void> update_context(const ContextRecord& /*context*/) override { return {}; }
  Result<void> delete_context(const std::string& /*context_id*/) override { return {}; }
  Result<void> put_document(Stored /*kind*/, const std::string& /*id*/,
                            const std::string& /*document*/) override {
    return {};
  }
  Result<void> delete_document(Stored /*kind*/, const std::string& /*id*/) override { return {}; }
  Result<void> put_row(const Association& /*row*/) override { return {}; }
  Result<bool> has_row_before(std::uint64_t /*version*/, const UeSelector& /*ue*/,
                              const std::string& /*app_d_id*/) override {
    return false;
  }
  Result<void> delete_row(const UeSelector& /*ue*/, const std::string& /*app_d_id*/) override {
    return {};
  }
  Result<std::optional<Association>> find_row(const UeSelector& /*ue*/,
                                              const std::string& /*app_d_id*/) override {
    return std::optional<Association>();
  }
  Result<void> put_table_version(const TableVersion& /*version*/) override { return {}; }
  Result<void> put_row_before(std::uint64_t /*version*/, const UeSelector& /*ue*/,
                              const std::string& /*app_d_id*/,
                              const std::optional<Association>& /*before*/) override {
    return {};
  }
  Result<bool> shorten_history() override { return false; }
  Result<ContextScan> scan_contexts(const std::string& /*after*/, std::size_t /*limit*/,
                                    const std::set<std::string>& /*apps*/) override {
    return ContextScan{};
  }
  Result<bool> put_notification_alike(const notifier::OutboxEntry& /*entry*/) override {
    return true;
  }
  Result<void> put_notification(const notifier::OutboxEntry& /*entry*/) override { return {}; }
  Result<std::optional<notifier::OutboxEntry>> find_notification(
      const std::string& /*context_id*/, notifier::Topic /*topic*/) override {
    return std::optional<notifier::OutboxEntry>();
  }
  Result<void> redirect_notifications(const std::string& /*context_id*/,
                                      const std::string& /*callback_reference*/,
                                      std::int64_t /*now_ms*/) override {
    return {};
  }
  Result<void> delete_notification(const std::string& /*context_id*/,
                                   notifier::Topic /*topic*/) override {
    return {};
  }
  Result<void> delete_notifications(const std::string& /*context_id*/) override { return {}; }
  Result<void> settle_notification(const notifier::Outcome& /*outcome*/) override { return {}; }
  bool time_is_up() const override { return false; }
  Result<std::size_t> revive_notifications(const std::string& /*context_id*/,
                                           std::int64_t /*now_ms*/) override {
    return std::size_t{0};
  }
};

}  // namespace

void NoStore::submit(std::unique_ptr<UnitOfWork> work) {
  NoTransaction transaction;
  const std::lock_guard guard(mutex_);
  work->done(work->run(transaction));
}

Result<Page<ContextSummary>> NoStore::contexts(const ContextFilter& /*filter*/,
                                               const std::string& /*cursor*/,
                                               std::size_t /*limit*/) {
  return Page<ContextSummary>{};
}

Result<Page<Association>> NoStore::rows(const std::string& /*app_d_id*/, const std::string& /*ue*/,
                                        const std::string& /*cursor*/, std::size_t /*limit*/) {
  return Page<Association>{};
}

Result<Page<Association>> NoStore::rows_of_host(const std::string& /*host_id*/, Writer /*writer*/,
                                                const std::string& /*cursor*/,
                                                std::size_t /*limit*/) {
  return Page<Association>{};
}

Result<Page<TableDifference>> NoStore::table_differences(std::uint64_t /*from*/,
                                                         std::uint64_t /*to*/,
                                                         const std::string& /*cursor*/,
                                                         std::size_t /*limit*/) {
  return Page<TableDifference>{};
}

Result<Page<TableVersion>> NoStore::table_versions(const std::string& /*cursor*/,
                                                   std::size_t /*limit*/) {
  return Page<TableVersion>{};
}

Result<std::vector<TableChange>> NoStore::changes_back_to(std::uint64_t /*version*/) {
  return std::vector<TableChange>{};
}

Result<std::vector<notifier::OutboxEntry>> NoStore::notifications(std::uint64_t /*after_sequence*/,
                                                                  std::size_t /*limit*/) {
  return std::vector<notifier::OutboxEntry>{};
}

Result<std::optional<notifier::OutboxEntry>> NoStore::notification(
    const std::string& /*context_id*/, notifier::Topic /*topic*/) {
  return std::optional<notifier::OutboxEntry>();
}

Result<OutboxPage> NoStore::outbox(bool /*dead*/, const std::string& /*cursor*/,
                                   std::size_t /*limit*/) {
  return OutboxPage{};
}

Result<Store::Loaded> NoStore::load(const Loader& /*loader*/) { return Loaded{}; }

}  // namespace mx2::bench
