#include "orchestrator/endpoints/callback_warning.h"

#include "api/base/log.h"

namespace mx2 {
namespace {

constexpr std::size_t kLoggedMax = 100;

}  // namespace

void CallbackWarning::use(notifier::AddressGuard guard) {
  guard_.set(std::move(guard));
  const std::lock_guard lock(mutex_);
  logged_.clear();
}

http::Headers CallbackWarning::headers_for(const std::optional<std::string>& callback) {
  const auto refusal = callback ? guard_.get()->refusal_of(*callback) : std::string();
  if (refusal.empty()) return {};
  const std::lock_guard lock(mutex_);
  if (logged_.size() < kLoggedMax && logged_.insert(refusal).second) {
    log::warn("a callbackReference is refused", {{"reason", refusal}});
  }
  return {{"Warning", "299 - \"callbackReference: " + refusal + "\""}};
}

}  // namespace mx2
