// The store on an SQLite file: write-ahead log, synchronous=FULL, one writer thread with group
// commit, other connections for reads. The file is locked: a second orchestrator is refused.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "api/base/metrics.h"
#include "api/base/result.h"
#include "orchestrator/store/store.h"

namespace mx2 {

struct SqliteOptions {
  std::string path;                      // created if missing, with its directory
  std::size_t queue_max = 20000;         // units waiting; more are refused with `unavailable`
  std::size_t batch_max = 1024;          // units in one commit
  std::size_t size_bytes_max = 0;        // of main file and log; 0: as large as the disk; else
                                         // "the storage is full"
  std::size_t checkpoint_pages = 16000;  // of 4 KiB in the log before they move to the main file
  HistoryOptions history;
  bool beside_orchestrator = false;  // for a notifier of its own: the file must be there, and is
                                     // not locked
};

class SqliteStore final : public Store {
 public:
  // unavailable with a readable text: not writable, damaged, of a newer release, in use.
  [[nodiscard]] static Result<std::unique_ptr<SqliteStore>> open(const SqliteOptions& options,
                                                                 metrics::Registry& registry);
  ~SqliteStore() override;

  void submit(std::unique_ptr<UnitOfWork> work) override;
  void close() override;
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
  void on_notification(std::function<void()> hook) override;
  SetAside& set_aside() override;
  Result<Loaded> load(const Loader& loader) override;
  Result<void> copy_to(const std::string& file, const std::function<bool()>& go_on) override;

 private:
  struct Impl;
  explicit SqliteStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mx2
