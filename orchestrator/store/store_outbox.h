// The outbox of a store, as a relay sees it. The lease is a lock on a file beside the store's: it
// cannot outlive its holder, so another relay takes over at once and never too early.
//
// Threads: the relay's, but settle()'s work is done on the store writer's. Outlives neither store
// nor relay: close the store first, then this.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "api/base/file_lock.h"
#include "notifier/outbox.h"
#include "orchestrator/store/store.h"

namespace mx2 {

class StoreOutbox final : public notifier::Outbox {
 public:
  // `lease_path`: of the lock file; made if missing.
  StoreOutbox(Store& store, std::string lease_path)
      : store_(store), lease_path_(std::move(lease_path)) {}

  [[nodiscard]] bool hold_lease() override;
  [[nodiscard]] Result<std::vector<notifier::OutboxEntry>> read(std::uint64_t after_sequence,
                                                                std::size_t limit) override;
  [[nodiscard]] Result<std::optional<notifier::OutboxEntry>> find(const std::string& context_id,
                                                                  notifier::Topic topic) override;
  void settle(std::vector<notifier::Outcome> outcomes) override;

 private:
  void settle_some(std::vector<notifier::Outcome> outcomes);
  void keep(std::vector<notifier::Outcome> outcomes);

  Store& store_;
  const std::string lease_path_;
  std::unique_ptr<FileLock> lease_;
  std::mutex mutex_;
  std::vector<notifier::Outcome> unsettled_;  // could not be stored; go with the next
};

}  // namespace mx2
