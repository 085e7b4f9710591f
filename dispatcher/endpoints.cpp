#include "dispatcher/endpoints.h"

#include "api/http/bearer.h"
#include "api/http/problem.h"

namespace mx2::dispatcher {

using http::PathValues;
using http::Request;
using http::Responder;

void add_endpoints(http::Router& router, const Api& api) {
  router.add("GET", "/health", [&api](Request&, const PathValues&, Responder responder) {
    responder.reply(http::json_reply(200, json::dump(api.dispatcher.health())));
  });
  router.add("GET", "/metrics", [&api](Request&, const PathValues&, Responder responder) {
    responder.reply({200, "text/plain; version=0.0.4", api.registry.text(), {}, false});
  });
  router.add("GET", "/-/stats", [&api](Request&, const PathValues&, Responder responder) {
    responder.reply(http::json_reply(200, json::dump(api.dispatcher.stats())));
  });
  router.add("GET", "/status", [&api](Request& request, const PathValues&, Responder responder) {
    if (http::bears(request, api.token)) {
      return responder.reply(http::json_reply(200, json::dump(api.dispatcher.status())));
    }
    responder.reply(http::problem_reply(
        {ErrorCode::kUnauthorized, "the dispatcher's bearer token is needed", {}, {}, {}, 0}));
  });
}

}  // namespace mx2::dispatcher
