// What operators change besides the table: catalogue, hosts. Each change is one unit of work that
// is checked against the latest model, stored, and only then seen by requests.
//
// Threads: any may call; answers come from the store writer's thread, refusals of what cannot even
// be tried from the caller's. The caller's thread also makes polygons ready.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/base/callback.h"
#include "orchestrator/core/model_change.h"
#include "orchestrator/core/optimizer_lease.h"

namespace mx2 {

// The first content of an empty store.
struct Content {
  std::vector<App> apps;
  std::vector<Host> hosts;
  std::vector<TableChange> rows;
};

void put_app(Core& core, App app, const Precondition& guard, Callback<Result<Changed>> answer);
void delete_app(Core& core, const std::string& app_d_id, const Precondition& guard,
                Callback<Result<Changed>> answer);
// Shared by those of hosts: `edit` makes of an empty one what the host is to be. `area`: its
// service area, if that has been prepared already.
using HostEdit = std::function<Result<void>(const Model&, Host&, RelocationScopes&)>;
void change_host(Core& core, HostEdit edit, PreparedLocation::Offer area,
                 Callback<Result<Changed>> answer);
// Instances without an identifier keep the one they had, or get a new one.
void put_host(Core& core, Host given, const Precondition& guard, Callback<Result<Changed>> answer);
void set_host_state(Core& core, const std::string& id, HostState state, const Precondition& guard,
                    Callback<Result<Changed>> answer);
// Whether it answers, as HostWatch finds it. Not stored.
void set_host_reachable(Core& core, const std::string& id, bool reachable,
                        Callback<Result<Changed>> answer);
// A MEPM begins to serve its host; creates the host if it is not known. What an operator has said
// of the host stays. `allowed` is asked when it is decided, on the store writer's thread: whether
// the host is not another's. A host that had no MEPM counts as down until it reports.
using MayRegister = std::function<Result<void>(const HostRegistration&)>;
void register_host(Core& core, HostRegistration registration, MayRegister allowed,
                   Callback<Result<Changed>> answer);
// The instances of a host that life-cycle management has running, in place of those before, and the
// apps that it could not start there. not_found when the host has gone.
void set_managed_instances(Core& core, const std::string& host_id,
                           std::vector<AppInstance> instances, std::vector<std::string> unable,
                           Callback<Result<Changed>> answer);
void delete_host(Core& core, const std::string& id, const Precondition& guard,
                 Callback<Result<Changed>> answer);
void load_content(Core& core, Content content, Callback<Result<Patched>> answer);
// Notifications that were given up are due now: of one context, or of all when it is empty. Answers
// how many.
void retry_notifications(Core& core, std::string context_id, Callback<Result<std::size_t>> answer);
// No plans of its own accord, or plans again: whoever leads, until it is changed.
void pause_optimizer(Store& store, OptimizerLease& leader, bool paused,
                     Callback<Result<void>> answer);
// Answers when the writer has run an empty transaction.
void probe_store(Store& store, Callback<Result<void>> answer);

}  // namespace mx2
