#include "orchestrator/mx2/service.h"

#include <algorithm>
#include <functional>

namespace mx2 {
namespace {

std::uint64_t key_of(const std::string& dev_app_id) { return std::hash<std::string>{}(dev_app_id); }

}  // namespace

Result<void> ContextQuota::take(const std::string& dev_app_id) {
  if (total_ >= total_max_) {
    return Error{ErrorCode::kForbidden,
                 "no more application contexts can be held",
                 {},
                 "context-limit",
                 {},
                 0};
  }
  auto& count = per_device_[key_of(dev_app_id)];
  if (count >= per_device_max_) {
    return forbidden(
        "device-context-limit",
        "this device application has " + std::to_string(count) + " contexts, which is its limit");
  }
  ++count;
  ++total_;
  return {};
}

void ContextQuota::give_back(const std::string& dev_app_id) {
  const auto it = per_device_.find(key_of(dev_app_id));
  if (it == per_device_.end()) return;
  if (--it->second == 0) per_device_.erase(it);
  --total_;
}

void ContextQuota::restore(const std::string& dev_app_id) {
  ++per_device_[key_of(dev_app_id)];
  ++total_;
}

bool may_use(const App& app, const Caller& caller) {
  const auto& subjects = app.subjects;
  return app.enabled && (subjects.empty() || std::find(subjects.begin(), subjects.end(),
                                                       caller.subject) != subjects.end());
}

Result<void> check_access(const std::optional<ContextRecord>& context, const Caller& caller,
                          std::uint64_t if_match) {
  if (!context) return not_found("no such application context");
  if (caller.authenticated && context->subject != caller.subject) {
    return forbidden("not-owner", "this application context belongs to another device application");
  }
  if (if_match != 0 && if_match != context->revision) {
    return precondition_failed("the application context has changed: its ETag is \"" +
                               std::to_string(context->revision) + "\"");
  }
  return {};
}

}  // namespace mx2
