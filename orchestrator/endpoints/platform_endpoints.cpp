// What the MEC platform that runs us says: the AppTerminationNotification of ETSI GS MEC 011.
#include "orchestrator/endpoints/endpoints.h"
#include "orchestrator/mec_platform/mec_platform.h"

namespace mx2 {

void add_platform_endpoints(http::Router& router, MecPlatform& platform) {
  router.add(
      "POST", std::string(MecPlatform::kPath) + "/{key}",
      [&platform](http::Request& request, const http::PathValues& path, http::Responder responder) {
        const auto taken = platform.notified(path[0], request.body);
        responder.reply(taken ? http::no_content() : refusal(taken.error(), request.id));
      });
}

}  // namespace mx2
