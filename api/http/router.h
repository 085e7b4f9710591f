// Routes by whole path segments: unknown path 404, known path with another method 405 and Allow,
// both as problem documents. HEAD is GET without a body. Gives every request its correlation id
// (the client's X-Request-ID when it is short and harmless, else one of ours), echoes it, logs and
// counts the outcome by route.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/metrics.h"
#include "api/base/result.h"
#include "api/http/http.h"

namespace mx2::http {

// Percent-decoded values of the {placeholders} of a route, in order of appearance.
using PathValues = std::vector<std::string>;
using Endpoint = std::function<void(Request&, const PathValues&, Responder)>;

class Router final : public Handler {
 public:
  // `server` labels the metrics, e.g. "mx2" or "operator".
  Router(metrics::Registry& registry, std::string server);

  // pattern: "/app_contexts/{contextId}". Not after the server has started.
  void add(std::string method, std::string_view pattern, Endpoint endpoint);
  // How 404 and 405 look below a prefix; elsewhere they are problem_reply(). For dialects with a
  // shape of their own.
  void refuse_below(std::string prefix, std::function<Reply(const Error&)> refusal);

  void handle(Request request, Responder responder) override;

 private:
  struct Route {
    std::string method;
    std::string pattern;
    std::vector<std::string> segments;
    Endpoint endpoint;
    std::array<std::atomic<metrics::Counter*>, 600> by_status{};  // made when first needed
    metrics::Histogram* latency = nullptr;
  };

  [[nodiscard]] static std::string label(const Route& route);
  [[nodiscard]] Route* find(const Request& request, PathValues& values, std::string& allow);
  void observe(Responder& responder, const Request& request, Route* route);
  void count(Route& route, int status);
  [[nodiscard]] Reply refusal(const Request& request, const std::string& allow) const;

  std::vector<std::unique_ptr<Route>> routes_;
  std::unique_ptr<Route> unrouted_;
  std::vector<std::pair<std::string, std::function<Reply(const Error&)>>> refusals_;
  metrics::Registry& registry_;
  std::string server_;
};

}  // namespace mx2::http
