#include "api/http/monitoring.h"

#include <algorithm>
#include <utility>

#include "api/base/clock.h"
#include "api/base/units.h"
#include "api/http/bearer.h"
#include "api/http/problem.h"

namespace mx2::http {
namespace {

bool may_watch(const Request& request, const MonitoringAccess& access,
               const std::string& api_token) {
  if (access.token.empty()) return bears(request, api_token);
  // An empty token is one that everybody bears.
  return bears(request, access.token) || (!api_token.empty() && bears(request, api_token));
}

Endpoint watched(const char* name, const MonitoringAccess& access, const ApiToken& api_token,
                 const Endpoint& endpoint) {
  if (std::find(access.open.begin(), access.open.end(), name) != access.open.end()) return endpoint;
  return [access, api_token, endpoint](Request& request, const PathValues& values,
                                       Responder responder) {
    if (may_watch(request, access, api_token())) {
      return endpoint(request, values, std::move(responder));
    }
    auto reply = problem_reply(refused_as(
        ErrorCode::kUnauthorized, access.token.empty()
                                      ? "this API's bearer token is needed"
                                      : "the bearer token of metrics.token_file is needed"));
    reply.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"mx2\"");
    responder.reply(std::move(reply));
  };
}

void describe_program(metrics::Registry& registry) {
  registry.gauge("mx2_build_info", "1; its label is the version", {{"version", MX2_VERSION}})
      .set(1);
  registry.gauge("process_start_time_seconds", "When the program was started, since 1970")
      .set(static_cast<double>(SystemClock().now_ms()) / kMsPerSecond);
}

}  // namespace

void add_monitoring(Router& router, metrics::Registry& registry, const MonitoringAccess& access,
                    const ApiToken& api_token, const Endpoint& health, const Endpoint& metrics,
                    const std::string& alias) {
  describe_program(registry);
  const auto add = [&](const char* name, const Endpoint& endpoint) {
    const auto guarded_endpoint = watched(name, access, api_token, endpoint);
    router.add("GET", std::string("/") + name, guarded_endpoint);
    if (!alias.empty()) router.add("GET", alias + "/" + name, guarded_endpoint);
  };
  add(kHealthName, health);
  add(kMetricsName, metrics);
}

void add_monitoring(Router& router, metrics::Registry& registry, const MonitoringAccess& access,
                    const std::string& api_token, std::function<std::string()> health) {
  add_monitoring(
      router, registry, access, [api_token] { return api_token; },
      [health = std::move(health)](Request&, const PathValues&, Responder responder) {
        responder.reply(json_reply(200, health()));
      },
      [&registry](Request&, const PathValues&, Responder responder) {
        responder.reply(metrics_reply(registry));
      });
}

Reply metrics_reply(const metrics::Registry& registry) {
  return {200, "text/plain; version=0.0.4", registry.text(), {}, false};
}

}  // namespace mx2::http
