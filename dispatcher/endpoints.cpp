#include "dispatcher/endpoints.h"

#include "api/http/bearer.h"
#include "api/http/monitoring.h"

namespace mx2::dispatcher {

using http::PathValues;
using http::Request;
using http::Responder;

void add_endpoints(http::Router& router, const Api& api) {
  http::add_monitoring(router, api.registry,
                       [&api] { return json::dump(api.dispatcher.health()); });
  router.add("GET", "/-/stats", [&api](Request&, const PathValues&, Responder responder) {
    responder.reply(http::json_reply(200, json::dump(api.dispatcher.stats())));
  });
  router.add("GET", "/status",
             http::guarded(api.token, "dispatcher",
                           [&api](Request&, const PathValues&, Responder responder) {
                             const auto status = api.dispatcher.status();
                             responder.reply(http::json_reply(200, json::dump(status)));
                           }));
}

}  // namespace mx2::dispatcher
