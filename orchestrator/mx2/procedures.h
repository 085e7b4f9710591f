// The procedures of the device application interface, one file each, without HTTP or JSON framing.
// Names follow MEC 016: get app list (7.3.3.1), create (7.4.3.4), update (7.5.3.2) and delete
// (7.5.3.5) an application context, obtain location availability (7.6.3.4). Reading a context back
// is our extension.
//
// Threads: any may call; create, update, delete and get answer later, from the store writer's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/base/callback.h"
#include "api/base/ip.h"
#include "api/base/result.h"
#include "api/mx2/types.h"
#include "orchestrator/core/assignment.h"
#include "orchestrator/core/context_ledger.h"
#include "orchestrator/core/core.h"
#include "orchestrator/core/instantiation.h"
#include "orchestrator/domain/model.h"
#include "orchestrator/store/store.h"

namespace mx2 {

// Who asks.
struct Caller {
  std::optional<IpAddress> ip;
  std::string ip_text;
  std::string subject;         // of the credentials; empty when requests are not authenticated
  bool authenticated = false;  // false: every caller may use every context whose id it knows
};

// What procedures of contexts need besides. All must outlive them.
struct Contexts {
  Core& core;
  ContextLedger& ledger;
  ContextEvents& events;
  const StrategyOptions& strategy;
  Instantiation* instantiation = nullptr;  // null: λ run only where operators say they do
  Onboarding* onboarding = nullptr;        // null: the catalogue has what operators put
};

// Revisions the caller says it has seen; nothing: it does not say, and any will do.
using IfMatch = std::optional<std::vector<std::uint64_t>>;

// A context with what HTTP says about it.
struct StoredContext {
  std::string document;  // its MEC 016 V2.2.1 JSON
  std::string context_id;
  std::uint64_t revision = 1;
  std::string reference_uri;  // of the first instance
};

// Filters of GET app_list: OR within one, AND across; an empty one does not filter.
struct AppListFilter {
  std::vector<std::string> app_name;
  std::vector<std::string> app_provider;
  std::vector<std::string> app_soft_version;
  std::vector<std::string> vendor_id;
  std::optional<std::int64_t> service_cont;
};

// Pointers into `model`: use them under its lock.
[[nodiscard]] std::vector<const AppInfo*> get_app_list(const Model& model,
                                                       const AppListFilter& filter,
                                                       const Caller& caller);

// `legacy`: in the V1.1.1 dialect. Refusals: invalid_argument, forbidden with a cause.
void create_app_context(Contexts& contexts, AppContext request, Caller caller, bool legacy,
                        Callback<Result<StoredContext>> answer);

// The context is found by `context_id` alone. Answers its new revision.
void update_app_context(Contexts& contexts, std::string context_id, AppContext request,
                        Caller caller, const IfMatch& if_match,
                        Callback<Result<std::uint64_t>> answer);

// A context that its device application ends is forgotten with all it is owed. One that the system
// ends owes a last notification; in the background if nobody waits for it.
enum class EndedBy : std::uint8_t { kDeviceApp, kSystem, kSystemInBackground };
void delete_app_context(Core& core, ContextLedger& ledger, std::string context_id, Caller caller,
                        const IfMatch& if_match, EndedBy by, Callback<Result<void>> answer);

void get_app_context(Store& store, std::string context_id, Caller caller,
                     Callback<Result<StoredContext>> answer);

// Fills available_locations; keeps the rest as it was asked.
[[nodiscard]] ApplicationLocationAvailability obtain_app_loc_availability(
    const LiveModel& model, ApplicationLocationAvailability request, const Caller& caller);

// Shared by the procedures.
[[nodiscard]] bool may_use(const CatalogueEntry& entry, const Caller& caller);
[[nodiscard]] Result<void> check_access(const std::optional<ContextRecord>& context,
                                        const Caller& caller, const IfMatch& if_match);

}  // namespace mx2
