// A store that keeps nothing: the bound of what any store can reach. It runs each unit of work at
// once on the caller's thread, one at a time, as units rely on being alone. Every context asked for
// is found, made up from its identifier.
#pragma once

#include <mutex>

#include "orchestrator/store/store.h"

namespace mx2::bench {

class NoStore final : public Store {
 public:
  void submit(std::unique_ptr<UnitOfWork> work) override;
  void close() override {}
  Result<Page<ContextSummary>> contexts(const ContextFilter& filter, const std::string& cursor,
                                        std::size_t limit) override;
  Result<Page<Association>> rows(const std::string& app_d_id, const std::string& ue,
                                 const std::string& cursor, std::size_t limit) override;
  Result<Page<Association>> rows_of_host(const std::string& host_id, Writer writer,
                                         const std::string& cursor, std::size_t limit) override;
  Result<Page<TableVersion>> table_versions(const std::string& cursor, std::size_t limit) override;
  Result<std::vector<TableChange>> changes_back_to(std::uint64_t version) override;
  Result<Page<TableDifference>> table_differences(std::uint64_t from, std::uint64_t to,
                                                  const std::string& cursor,
                                                  std::size_t limit) override;
  Result<std::vector<notifier::OutboxEntry>> notifications(std::uint64_t after_sequence,
                                                           std::size_t limit) override;
  Result<std::optional<notifier::OutboxEntry>> notification(const std::string& context_id,
                                                            notifier::Topic topic) override;
  Result<OutboxPage> outbox(bool dead, const std::string& cursor, std::size_t limit) override;
  void on_notification(std::function<void()> /*hook*/) override {}
  SetAside& set_aside() override { return aside_; }
  Result<Loaded> load(const Loader& loader) override;

 private:
  metrics::Registry registry_;
  SetAside aside_{registry_};
  std::mutex mutex_;
};

}  // namespace mx2::bench
