// How replies find their connection: the Responder::Sink of one request. Private to api/http.
#pragma once

#include <memory>

#include "api/http/connection.h"
#include "api/http/http.h"

namespace mx2::http {

[[nodiscard]] std::unique_ptr<Responder::Sink> sink_for(std::shared_ptr<Connection> connection);

}  // namespace mx2::http
