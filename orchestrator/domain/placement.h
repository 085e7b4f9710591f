// The decision: which instance answers this UE for this app. Pure; a look-up, no optimisation.
//
// The rows for the UE are tried from the most specific (dev:, then the longest ip: prefix, then *),
// and in each row the targets in order. The first target that can serve wins: its host is known and
// up, has an instance of the app and, where a location is requested, serves it. A row whose targets
// cannot serve is passed over, so that a dead host does not lock its UEs out while the Optimizer is
// away. If a location is requested and no row leads into it, the first host by identifier that
// serves it is taken: the constraint is the client's, the row only our preference. The same for an
// app whose instances we start ourselves: no row is needed, and a row without one is passed over
// until its instance is ready, so that clients move when there is something to move to.
//
// Clients of a dispatched app call a dispatcher: the rows and instances are those of the
// dispatchers, the address is the dispatcher's with the app's appDId as last segment. Source:
// Cicconetti et al., IEEE Communications Magazine 2020; MEC 016 clauses 6.2.3 and 6.5.2.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/operator/types.h"
#include "orchestrator/domain/model.h"
#include "orchestrator/domain/tiers.h"

namespace mx2 {

struct PlacementQuery {
  std::string app_d_id;
  std::string dev_app_id;
  std::optional<IpAddress> ip;
  const PreparedLocation* location = nullptr;  // none: anywhere
  // Where a context that exists is served now: a cordoned host keeps it. Empty: a new context.
  std::vector<std::string> current_uris = {};
  // Also hosts where an instance could be started: their placement has no address yet.
  bool could_start = false;
};

struct Placement {
  std::string host_id;  // empty for a literal endpoint
  std::string app_instance_id;
  std::string reference_uri;
  std::string ue;  // selector of the row that decided, "location" or "anywhere"
  // Why a target of a row was passed over that is of a nearer tier than the host; none was.
  std::optional<EscalationCause> escalated = {};
};

// `trace`, if given, receives every attempt in order.
[[nodiscard]] std::optional<Placement> place(const Model& model, const PlacementQuery& query,
                                             Explanation* trace = nullptr);

// The first `most` targets that can serve, in the same order, each address once: the endpoints of a
// client that probes. The first is place()'s.
[[nodiscard]] std::vector<Placement> place_all(const Model& model, const PlacementQuery& query,
                                               std::size_t most);

// Where a query could be served but at one host, also by an instance that is started then; and of
// hosts that have the app, or could, why they cannot: "mec-2: host is cordoned".
struct Alternatives {
  std::vector<std::string> hosts;
  std::vector<std::string> obstacles;
};
[[nodiscard]] Alternatives alternatives(const Model& model, PlacementQuery query,
                                        const std::string& except);

// The same, told to an operator.
[[nodiscard]] Explanation explain(const Model& model, const PlacementQuery& query);

}  // namespace mx2
