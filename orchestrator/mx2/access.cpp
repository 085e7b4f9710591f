#include <algorithm>

#include "orchestrator/mx2/procedures.h"

namespace mx2 {

bool may_use(const CatalogueEntry& entry, const Caller& caller) {
  const auto& subjects = entry.app.subjects;
  return entry.offered && (subjects.empty() || std::find(subjects.begin(), subjects.end(),
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
