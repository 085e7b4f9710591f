#include "api/openapi/openapi.h"

namespace mx2::openapi {

void serve(http::Router& router, const std::string& prefix, std::string document) {
  router.add("GET", prefix + "/openapi.yaml",
             [text = std::move(document)](http::Request&, const http::PathValues&,
                                          http::Responder responder) {
               responder.reply({200, "application/yaml", text, {}, false});
             });
}

}  // namespace mx2::openapi
