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
#include <unordered_map>
#include <vector>

#include "api/base/callback.h"
#include "api/base/clock.h"
#include "api/base/ids.h"
#include "api/base/ip.h"
#include "api/base/metrics.h"
#include "api/base/result.h"
#include "api/mx2/types.h"
#include "orchestrator/core/assignment.h"
#include "orchestrator/core/change_feed.h"
#include "orchestrator/core/context_events.h"
#include "orchestrator/core/context_index.h"
#include "orchestrator/core/instantiation.h"
#include "orchestrator/core/relocation.h"
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

// How many contexts there are, in total and for each device application. Store writer's thread only
// (and before it starts).
class ContextQuota {
 public:
  ContextQuota(std::size_t total_max, std::size_t per_device_max, metrics::Gauge& gauge)
      : total_max_(total_max), per_device_max_(per_device_max), gauge_(gauge) {}

  [[nodiscard]] Result<void> take(const ContextOwner& owner);
  void give_back(const ContextOwner& owner);
  void restore(const ContextOwner& owner);  // at start-up, without limits
  [[nodiscard]] std::size_t total() const { return total_; }

 private:
  std::size_t total_max_;
  std::size_t per_device_max_;
  metrics::Gauge& gauge_;
  std::size_t total_ = 0;
  // By hash: a collision only makes two devices share a limit.
  std::unordered_map<std::uint64_t, std::uint32_t> per_device_;
};

// What every procedure needs. All must outlive the procedures.
struct Mx2Service {
  LiveModel& model;
  Store& store;
  const Clock& clock;
  IdGenerator& ids;
  ContextQuota& quota;
  ContextIndex& index;
  const StrategyOptions& strategy;
  Relocation& relocation;
  ContextEvents& events;
  ChangeFeed& changes;
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
void create_app_context(Mx2Service& service, AppContext request, Caller caller, bool legacy,
                        Callback<Result<StoredContext>> answer);

// The context is found by `context_id` alone. Answers its new revision.
void update_app_context(Mx2Service& service, std::string context_id, AppContext request,
                        Caller caller, const IfMatch& if_match,
                        Callback<Result<std::uint64_t>> answer);

// A context that its device application ends is forgotten with all it is owed. One that the system
// ends owes a last notification; in the background if nobody waits for it.
enum class EndedBy : std::uint8_t { kDeviceApp, kSystem, kSystemInBackground };
void delete_app_context(Mx2Service& service, std::string context_id, Caller caller,
                        const IfMatch& if_match, EndedBy by, Callback<Result<void>> answer);

void get_app_context(Mx2Service& service, std::string context_id, Caller caller,
                     Callback<Result<StoredContext>> answer);

// Fills available_locations; keeps the rest as it was asked.
[[nodiscard]] ApplicationLocationAvailability obtain_app_loc_availability(
    const LiveModel& model, ApplicationLocationAvailability request, const Caller& caller);

// Shared by the procedures.
[[nodiscard]] bool may_use(const App& app, const Caller& caller);
[[nodiscard]] Result<void> check_access(const std::optional<ContextRecord>& context,
                                        const Caller& caller, const IfMatch& if_match);

}  // namespace mx2
