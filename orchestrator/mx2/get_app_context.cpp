#include "orchestrator/mx2/procedures.h"

namespace mx2 {

// A read, but through the writer: it sees every context that was answered 201, and no HTTP worker
// waits for the disk.
void get_app_context(Store& store, std::string context_id, Caller caller,
                     Callback<Result<StoredContext>> answer) {
  auto run = [id = std::move(context_id),
              caller = std::move(caller)](StoreTransaction& tx) -> Result<StoredContext> {
    auto found = tx.find_context(id);
    if (!found) return found.error();
    if (auto access = check_access(*found, caller, std::nullopt); !access) return access.error();
    auto& record = **found;
    return StoredContext{std::move(record.document), id, record.revision,
                         std::move(record.reference_uri)};
  };
  submit_unit(store, kWritesOnce, std::move(run), std::move(answer));
}

}  // namespace mx2
