#include "api/mx2/codec.h"
#include "orchestrator/mx2/procedures.h"

namespace mx2 {
namespace {

// Clients of the V1.1.1 dialect do not know this notification; where to send it is not known of a
// context that cannot be read.
Result<void> settle_what_is_owed(StoreTransaction& transaction, ContextRecord& record, EndedBy by,
                                 std::int64_t now_ms) {
  const auto& id = record.context_id;
  if (by == EndedBy::kDeviceApp || record.legacy) return transaction.delete_notifications(id);
  const auto context = codec::decode_stored_context(record.document);
  if (!context) return transaction.delete_notifications(id);
  ++record.revision;
  return owe(transaction, record, *context, ApplicationContextDeleteNotification{id}, now_ms);
}

}  // namespace

void delete_app_context(Core& core, ContextLedger& ledger, std::string context_id, Caller caller,
                        const IfMatch& if_match, EndedBy by, Callback<Result<void>> answer) {
  auto run = [&clock = core.clock, id = std::move(context_id), caller = std::move(caller), if_match,
              by](StoreTransaction& tx) -> Result<ContextRecord> {
    auto found = tx.find_context(id);
    if (!found) return found.error();
    if (auto access = check_access(*found, caller, if_match); !access) return access.error();
    auto& record = **found;
    if (record.has_callback) {
      auto settled = settle_what_is_owed(tx, record, by, clock.now_ms());
      if (!settled) return settled.error();
    }
    if (auto deleted = tx.delete_context(id); !deleted) return deleted.error();
    return std::move(record);
  };
  auto done = [&ledger, answer = std::move(answer)](const Result<ContextRecord>& ended) mutable {
    if (!ended) return answer(ended.error());
    ledger.ended(*ended);
    answer(Result<void>());
  };
  const auto& kind = by == EndedBy::kSystemInBackground ? kBackground : kPlainUnit;
  submit_unit(core.store, kind, std::move(run), std::move(done));
}

}  // namespace mx2
