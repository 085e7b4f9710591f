// What daemons tell whoever watches them, without asking who it is.
#pragma once

#include <functional>
#include <string>

#include "api/base/metrics.h"
#include "api/http/router.h"

namespace mx2::http {

// GET /health, a JSON document that `health` makes, and GET /metrics.
// `registry` must outlive the router.
void add_monitoring(Router& router, const metrics::Registry& registry,
                    std::function<std::string()> health);

// As Prometheus text.
[[nodiscard]] Reply metrics_reply(const metrics::Registry& registry);

}  // namespace mx2::http
