#include "dispatcher/endpoints.h"

#include "api/http/bearer.h"

namespace mx2::dispatcher {

using http::PathValues;
using http::Request;
using http::Responder;

void add_endpoints(http::Router& router, metrics::Registry& registry, const Dispatcher& dispatcher,
                   const std::string& token, const http::MonitoringAccess& monitoring) {
  const auto telling = [&dispatcher](json::Value (Dispatcher::*what)() const) {
    return [&dispatcher, what](Request&, const PathValues&, Responder responder) {
      responder.reply(http::json_reply(200, json::dump((dispatcher.*what)())));
    };
  };
  http::add_monitoring(router, registry, monitoring, token,
                       [&dispatcher] { return json::dump(dispatcher.health()); });
  router.add("GET", "/-/stats", telling(&Dispatcher::stats));
  router.add("GET", "/status", http::guarded(token, "dispatcher", telling(&Dispatcher::status)));
}

}  // namespace mx2::dispatcher
