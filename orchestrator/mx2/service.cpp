#include "orchestrator/mx2/service.h"

#include <algorithm>
#include <functional>

namespace mx2 {
namespace {

// The subject counts: nobody uses up another's limit by borrowing its associateDevAppId.
std::uint64_t key_of(const ContextOwner& owner) {
  return std::hash<std::string>{}(owner.subject + '\n' + owner.dev_app_id);
}

}  // namespace

Result<void> ContextQuota::take(const ContextOwner& owner) {
  if (total_ >= total_max_) {
    return Error{ErrorCode::kForbidden,
                 "no more application contexts can be held",
                 {},
                 "context-limit",
                 {},
                 0};
  }
  auto& count = per_device_[key_of(owner)];
  if (count >= per_device_max_) {
    return forbidden(
        "device-context-limit",
        "this device application has " + std::to_string(count) + " contexts, which is its limit");
  }
  ++count;
  gauge_.set(static_cast<double>(++total_));
  return {};
}

void ContextQuota::give_back(const ContextOwner& owner) {
  const auto it = per_device_.find(key_of(owner));
  if (it == per_device_.end()) return;
  if (--it->second == 0) per_device_.erase(it);
  gauge_.set(static_cast<double>(--total_));
}

void ContextQuota::restore(const ContextOwner& owner) {
  ++per_device_[key_of(owner)];
  gauge_.set(static_cast<double>(++total_));
}

bool may_use(const App& app, const Caller& caller) {
  const auto& subjects = app.subjects;
  return app.enabled && (subjects.empty() || std::find(subjects.begin(), subjects.end(),
                                                       caller.subject) != subjects.end());
}

Result<void> check_access(const std::optional<ContextRecord>& context, const Caller& caller,
                          const IfMatch& if_match) {
  if (!context) return not_found("no such application context");
  if (caller.authenticated && context->subject != caller.subject) {
    return forbidden("not-owner", "this application context belongs to another device application");
  }
  if (if_match &&
      std::find(if_match->begin(), if_match->end(), context->revision) == if_match->end()) {
    return precondition_failed("the application context has changed: its ETag is \"" +
                               std::to_string(context->revision) + "\"");
  }
  return {};
}

}  // namespace mx2
