#include "orchestrator/mx2/procedures.h"

namespace mx2 {
namespace {

// A read, but through the writer: it sees every context that was answered 201, and no HTTP worker
// waits for the disk.
class GetAppContext final : public UnitOfWork {
 public:
  GetAppContext(std::string context_id, Caller caller, Callback<Result<StoredContext>> answer)
      : context_id_(std::move(context_id)),
        caller_(std::move(caller)),
        answer_(std::move(answer)) {}

  Result<void> run(StoreTransaction& transaction) override {
    auto found = transaction.find_context(context_id_);
    if (!found) return found.error();
    if (auto access = check_access(*found, caller_, std::nullopt); !access) return access;
    auto& record = **found;
    context_ = {std::move(record.document), context_id_, record.revision,
                std::move(record.reference_uri)};
    return {};
  }

  [[nodiscard]] bool writes_once() const override { return true; }

  void done(const Result<void>& outcome) noexcept override {
    if (!outcome) return answer_(outcome.error());
    answer_(std::move(context_));
  }

 private:
  const std::string context_id_;
  const Caller caller_;
  Callback<Result<StoredContext>> answer_;
  StoredContext context_;
};

}  // namespace

void get_app_context(Store& store, std::string context_id, Caller caller,
                     Callback<Result<StoredContext>> answer) {
  store.submit(
      std::make_unique<GetAppContext>(std::move(context_id), std::move(caller), std::move(answer)));
}

}  // namespace mx2
