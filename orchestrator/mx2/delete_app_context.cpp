#include "orchestrator/mx2/service.h"

namespace mx2 {
namespace {

class DeleteAppContext final : public UnitOfWork {
 public:
  DeleteAppContext(Mx2Service& service, std::string context_id, Caller caller,
                   const IfMatch& if_match, Callback<Result<void>> answer)
      : service_(service),
        context_id_(std::move(context_id)),
        caller_(std::move(caller)),
        if_match_(if_match),
        answer_(std::move(answer)) {}

  Result<void> run(StoreTransaction& transaction) override {
    const auto found = transaction.find_context(context_id_);
    if (!found) return found.error();
    if (auto access = check_access(*found, caller_, if_match_); !access) return access;
    owner_ = {(*found)->subject, (*found)->dev_app_id};
    revision_ = (*found)->revision;
    return transaction.delete_context(context_id_);
  }

  [[nodiscard]] bool writes_once() const override { return true; }

  void done(const Result<void>& outcome) noexcept override {
    if (outcome) {
      service_.quota.give_back(owner_);
      service_.events.publish(context_id_, revision_,
                              ApplicationContextDeleteNotification{context_id_});
    }
    answer_(outcome);
  }

 private:
  Mx2Service& service_;
  const std::string context_id_;
  const Caller caller_;
  const IfMatch if_match_;
  Callback<Result<void>> answer_;
  ContextOwner owner_;
  std::uint64_t revision_ = 0;
};

}  // namespace

void delete_app_context(Mx2Service& service, std::string context_id, Caller caller,
                        const IfMatch& if_match, Callback<Result<void>> answer) {
  service.store.submit(std::make_unique<DeleteAppContext>(
      service, std::move(context_id), std::move(caller), if_match, std::move(answer)));
}

}  // namespace mx2
