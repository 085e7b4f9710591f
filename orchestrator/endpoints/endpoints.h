// HTTP on one side, procedures on the other: endpoints parse, call and format; they decide nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/base/live.h"
#include "api/base/metrics.h"
#include "api/http/http.h"
#include "api/http/monitoring.h"
#include "api/http/router.h"
#include "notifier/relay.h"
#include "orchestrator/core/host_watch.h"
#include "orchestrator/core/optimizer_lease.h"
#include "orchestrator/core/store_peers.h"
#include "orchestrator/core/table_rewriter.h"
#include "orchestrator/endpoints/auth.h"
#include "orchestrator/lifecycle/lifecycle.h"
#include "orchestrator/mx2/procedures.h"

namespace mx2 {

class Backups;
class CallbackWarning;
class MecPlatform;
class Packages;

struct Mx2EndpointOptions {
  std::string path_prefix;  // of apiRoot, e.g. "/sandbox/mep1"; empty or starting with '/'
  std::vector<std::string>
      path_prefixes;       // others that dev_app/v1 is served below, e.g. "sandbox1"
  std::string public_url;  // scheme and authority for Location; empty: http and the request's Host
  std::shared_ptr<CallbackWarning> callbacks = {};  // null: who sends to them is elsewhere
};
// Headers that tell of a callback that is refused.
[[nodiscard]] http::Headers warnings_of(const Mx2EndpointOptions& options,
                                        const AppContext& request);
inline constexpr std::size_t kPathPrefixesMax = 16;

// MEC 016 V2.2.1 below {prefix}/dev_app/v1 for each of the prefixes, and /openapi.yaml. A Location
// begins as the request did.
void add_mx2_endpoints(http::Router& router, Contexts& contexts, const Live<Authenticator>& auth,
                       const Mx2EndpointOptions& options);

// MEC 016 V1.1.1 below {prefix}/mx2/v1, as deployed clients speak it: refusals are bare problems in
// application/json.
void add_legacy_endpoints(http::Router& router, Contexts& contexts, const Live<Authenticator>& auth,
                          const Mx2EndpointOptions& options);

// MEC 011 notifications to us, on the listener of Mx2. `platform` must outlive the router.
void add_platform_endpoints(http::Router& router, MecPlatform& platform);

struct OperatorEndpointOptions {
  std::string token;  // bearer token operators must send; empty: none
  http::MonitoringAccess monitoring;
  std::size_t patch_rows_max = 20000;
  std::size_t plan_rows_max = 200000;
  std::size_t page_max = 10000;
};

// What the operator API speaks to; all must outlive the router, as do its options.
struct OperatorServices {
  Core& core;
  Contexts& contexts;
  TableRewriter& rewriter;
  HostWatch& hosts;
  Lifecycle& lifecycle;
  OptimizerLease& leader;
  Packages& packages;
  const MecPlatform* platform;  // null: there is none
  metrics::Registry& registry;
  StorePeers& store_peers;
  Backups& backups;
  std::function<notifier::RelayStatus()> relay_status;  // empty: the notifier is elsewhere
};

// The operator API below /operator/v1 with /openapi.yaml, /health and /metrics, and ETSI GS MEC
// 010-2 below /app_pkgm/v1 with an openapi.yaml there.
void add_operator_endpoints(http::Router& router, const OperatorServices& services,
                            const Live<OperatorEndpointOptions>& options);

// Shared by the three.
// A method of an object that the router keeps.
template <typename Api>
[[nodiscard]] http::Endpoint endpoint_of(const std::shared_ptr<Api>& api,
                                         void (Api::*method)(const http::Request&,
                                                             const http::PathValues&,
                                                             http::Responder)) {
  return [api, method](http::Request& request, const http::PathValues& path,
                       http::Responder responder) {
    ((*api).*method)(request, path, std::move(responder));
  };
}
// An answer for an error; 401 carries WWW-Authenticate.
[[nodiscard]] http::Reply refusal(const Error& error, const std::string& request_id);
// Answers 204, or with a refusal.
[[nodiscard]] Callback<Result<void>> no_content_to(const http::Request& request,
                                                   http::Responder responder);
// The revision that a strong entity tag names, the opposite of etag(); nothing if it is not ours.
[[nodiscard]] std::optional<std::uint64_t> revision_of(std::string_view entity_tag);
// The revisions that If-Match lists; tags that are not ours match nothing.
[[nodiscard]] IfMatch if_match_of(const http::Request& request);
[[nodiscard]] std::string etag(std::uint64_t revision);

}  // namespace mx2
