#include "api/http/monitoring.h"

namespace mx2::http {

void add_monitoring(Router& router, const metrics::Registry& registry,
                    std::function<std::string()> health) {
  router.add("GET", "/health",
             [health = std::move(health)](Request&, const PathValues&, Responder responder) {
               responder.reply(json_reply(200, health()));
             });
  router.add("GET", "/metrics", [&registry](Request&, const PathValues&, Responder responder) {
    responder.reply(metrics_reply(registry));
  });
}

Reply metrics_reply(const metrics::Registry& registry) {
  return {200, "text/plain; version=0.0.4", registry.text(), {}, false};
}

}  // namespace mx2::http
