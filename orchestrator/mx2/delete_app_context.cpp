#include "api/mx2/codec.h"
#include "orchestrator/mx2/procedures.h"

namespace mx2 {
namespace {

class DeleteAppContext final : public UnitOfWork {
 public:
  DeleteAppContext(Core& core, ContextLedger& ledger, std::string context_id, Caller caller,
                   const IfMatch& if_match, EndedBy by, Callback<Result<void>> answer)
      : core_(core),
        ledger_(ledger),
        context_id_(std::move(context_id)),
        caller_(std::move(caller)),
        if_match_(if_match),
        by_(by),
        answer_(std::move(answer)) {}

  [[nodiscard]] bool background() const override { return by_ == EndedBy::kSystemInBackground; }

  Result<void> run(StoreTransaction& transaction) override {
    auto found = transaction.find_context(context_id_);
    if (!found) return found.error();
    if (auto access = check_access(*found, caller_, if_match_); !access) return access;
    record_ = std::move(**found);
    if (record_.has_callback) {
      if (auto settled = settle_what_is_owed(transaction); !settled) return settled;
    }
    return transaction.delete_context(context_id_);
  }

  void done(const Result<void>& outcome) noexcept override {
    if (outcome) ledger_.ended(record_);
    answer_(outcome);
  }

 private:
  // Clients of the V1.1.1 dialect do not know this notification; where to send it is not known of a
  // context that cannot be read.
  Result<void> settle_what_is_owed(StoreTransaction& transaction) {
    if (by_ == EndedBy::kDeviceApp || record_.legacy) {
      return transaction.delete_notifications(context_id_);
    }
    const auto context = codec::decode_stored_context(record_.document);
    if (!context) return transaction.delete_notifications(context_id_);
    ++record_.revision;
    return owe(transaction, record_, *context, ApplicationContextDeleteNotification{context_id_},
               core_.clock.now_ms());
  }

  Core& core_;
  ContextLedger& ledger_;
  const std::string context_id_;
  const Caller caller_;
  const IfMatch if_match_;
  const EndedBy by_;
  Callback<Result<void>> answer_;
  ContextRecord record_;
};

}  // namespace

void delete_app_context(Core& core, ContextLedger& ledger, std::string context_id, Caller caller,
                        const IfMatch& if_match, EndedBy by, Callback<Result<void>> answer) {
  core.store.submit(std::make_unique<DeleteAppContext>(
      core, ledger, std::move(context_id), std::move(caller), if_match, by, std::move(answer)));
}

}  // namespace mx2
