#include "api/http/router.h"

#include <algorithm>
#include <chrono>

#include "api/base/ids.h"
#include "api/base/log.h"
#include "api/base/text.h"
#include "api/http/problem.h"

namespace mx2::http {
namespace {

constexpr std::size_t kRequestIdMax = 64;

bool harmless_id(std::string_view id) {
  return !id.empty() && id.size() <= kRequestIdMax && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  });
}

std::string correlation_id(const Request& request) {
  const auto given = request.header("X-Request-ID");
  if (given && harmless_id(*given)) return std::string(*given);
  static const SystemClock kClock;
  static RandomIds ids(kClock);
  return ids.next();
}

bool is_placeholder(std::string_view segment) { return !segment.empty() && segment[0] == '{'; }

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> result;
  for (const auto segment : split(path.substr(1), '/')) result.emplace_back(segment);
  return result;
}

// A trailing slash is the same resource: "/app_list/" is "/app_list".
std::string_view without_trailing_slash(std::string_view path) {
  return path.size() > 1 && path.back() == '/' ? path.substr(0, path.size() - 1) : path;
}

// Matches the path against a route; fills `values` with the decoded placeholders.
bool matches(std::string_view path, const std::vector<std::string>& route, PathValues& values) {
  values.clear();
  std::size_t start = 1;
  for (const auto& expected : route) {
    if (start > path.size()) return false;
    const auto end = std::min(path.find('/', start), path.size());
    const auto segment = path.substr(start, end - start);
    start = end + 1;
    auto decoded = percent_decode(segment);
    if (!decoded || (decoded->empty() && !expected.empty())) return false;
    if (is_placeholder(expected)) {
      values.push_back(std::move(*decoded));
    } else if (*decoded != expected) {
      return false;
    }
  }
  return start == path.size() + 1;
}

}  // namespace

std::string Router::label(const Route& route) { return route.method + " " + route.pattern; }

Router::Router(metrics::Registry& registry, std::string server)
    : unrouted_(std::make_unique<Route>()), registry_(registry), server_(std::move(server)) {
  unrouted_->method = "any";
  unrouted_->pattern = "unknown";
  unrouted_->latency = &registry_.histogram("mx2_http_request_seconds", "Time to the reply",
                                            {{"server", server_}, {"route", "any unknown"}},
                                            metrics::latency_bounds());
}

void Router::add(std::string method, std::string_view pattern, Endpoint endpoint) {
  auto route = std::make_unique<Route>();
  route->method = std::move(method);
  route->pattern = pattern;
  route->segments = segments_of(pattern);
  route->endpoint = std::move(endpoint);
  route->latency = &registry_.histogram("mx2_http_request_seconds", "Time to the reply",
                                        {{"server", server_}, {"route", label(*route)}},
                                        metrics::latency_bounds());
  routes_.push_back(std::move(route));
}

void Router::refuse_below(std::string prefix, std::function<Reply(const Error&)> refusal) {
  refusals_.emplace_back(std::move(prefix), std::move(refusal));
}

Router::Route* Router::find(const Request& request, PathValues& values, std::string& allow) {
  const auto path = without_trailing_slash(request.path);
  for (const auto& route : routes_) {
    if (!matches(path, route->segments, values)) continue;
    const bool head = request.method == "HEAD" && route->method == "GET";
    if (head || route->method == request.method) return route.get();
    allow += (allow.empty() ? "" : ", ") + route->method;
  }
  return nullptr;
}

void Router::observe(Responder& responder, const Request& request, Route* route) {
  const auto start = std::chrono::steady_clock::now();
  const std::string where = log::debug_enabled() ? request.method + " " + request.path : "";
  responder.observe([this, route, start, where, id = request.id](Reply& reply) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    reply.headers.emplace_back("X-Request-ID", id);
    route->latency->observe(took.count());
    count(*route, reply.status);
    if (where.empty()) return;
    log::debug(
        "request",
        {{"id", id}, {"request", where}, {"status", reply.status}, {"seconds", took.count()}});
  });
}

// Two threads may both find the counter missing; the registry gives both the same one.
void Router::count(Route& route, int status) {
  auto& slot = route.by_status.at(static_cast<std::size_t>(status));
  auto* counter = slot.load(std::memory_order_acquire);
  if (counter == nullptr) {
    counter = &registry_.counter(
        "mx2_http_requests_total", "Requests answered, by route and status",
        {{"server", server_}, {"route", label(route)}, {"status", std::to_string(status)}});
    slot.store(counter, std::memory_order_release);
  }
  counter->add();
}

Reply Router::refusal(const Request& request, const std::string& allow) const {
  Error error = not_found("no resource at " + request.path);
  if (!allow.empty()) {
    error.code = ErrorCode::kMethodNotAllowed;
    error.detail = request.method + " is not allowed here; allowed: " + allow;
  }
  const auto custom = std::find_if(refusals_.begin(), refusals_.end(), [&](const auto& entry) {
    return request.path.rfind(entry.first, 0) == 0;
  });
  Reply reply = custom == refusals_.end() ? problem_reply(error) : custom->second(error);
  if (!allow.empty()) reply.headers.emplace_back("Allow", allow);
  return reply;
}

void Router::handle(Request request, Responder responder) {
  request.id = correlation_id(request);
  PathValues values;
  std::string allow;
  Route* route = find(request, values, allow);
  observe(responder, request, route != nullptr ? route : unrouted_.get());
  if (route == nullptr) return responder.reply(refusal(request, allow));
  route->endpoint(request, values, std::move(responder));
}

}  // namespace mx2::http
