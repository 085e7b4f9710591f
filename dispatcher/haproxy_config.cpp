#include "dispatcher/haproxy_config.h"

#include <algorithm>

#include "api/base/child.h"
#include "api/base/ip.h"
#include "api/base/units.h"

namespace mx2::dispatcher {
namespace {

constexpr int kSampledCallsPerSecond = 500;
constexpr std::uint64_t kOtherFilesMax = 500;
constexpr std::uint64_t kConnectionsLeast = 32;
// A context may lead here some milliseconds before we are told of its λ's first instance: a call
// that finds nobody looks again, a few times.
constexpr const char* kWaitForSomebody =
    R"(core.register_action("wait_for_somebody", {"http-req"}, function(txn)
  for _, ms in ipairs({5, 10, 20, 40, 80}) do
    core.msleep(ms)
    if txn.f:nbsrv() > 0 then return end
  end
end)
)";

std::string ms(std::int64_t value) { return std::to_string(value) + "ms"; }

std::string problem_body(int status, const char* cause, const char* title,
                         const std::string& detail) {
  return std::string(R"({"type":"urn:mx2:problem:)") + cause + R"(","title":")" + title +
         R"(","status":)" + std::to_string(status) + R"(,"detail":")" + detail + R"("})";
}

std::string answer(int status, const char* cause, const char* title, const std::string& detail) {
  return "  http-request return status " + std::to_string(status) +
         " content-type application/problem+json lf-string '" +
         problem_body(status, cause, title, detail) + "'";
}

std::string error(int status, const char* cause, const char* title, const char* detail) {
  const bool later = status == 503 || status == 504;
  return "  http-error status " + std::to_string(status) +
         " content-type application/problem+json string '" +
         problem_body(status, cause, title, detail) + "'" + (later ? " hdr Retry-After 1" : "") +
         "\n";
}

std::string global_section(const DispatcherOptions& options, const std::string& directory,
                           int generation, std::size_t servers) {
  std::string out = "global\n  stats socket unix@" + command_socket(directory, generation) +
                    " mode 600 level admin\n  maxconn " +
                    std::to_string(connections_max(options, servers)) + "\n  tune.bufsize " +
                    std::to_string(options.limits.buffer_bytes) + "\n  hard-stop-after " +
                    ms(options.haproxy.drain_ms) + "\n";
  out += "  lua-load " + directory + "/wait.lua\n";
  // Checks must not come in bursts.
  out += "  spread-checks 20\n";
  if (options.haproxy.threads > 0) {
    out += "  nbthread " + std::to_string(options.haproxy.threads) + "\n";
  }
  return out;
}

std::string errors() {
  std::string out;
  out += error(400, "invalid-argument", "Bad Request", "the request is malformed");
  out += error(408, "request-timeout", "Request Timeout", "the request took too long to arrive");
  out += error(500, "internal", "Internal Server Error", "internal error");
  out += error(502, "bad-gateway", "Bad Gateway", "the destination answered nothing that is HTTP");
  out += error(503, "unavailable", "Service Unavailable",
               "no destination of this application can take the call now");
  out +=
      error(504, "deadline-exceeded", "Gateway Timeout", "the destination did not answer in time");
  return out;
}

std::string log_to(const std::string& socket) {
  return "  log unix@" + socket + " len " + std::to_string(kLogLineBytes) + " format raw local0\n";
}

std::string defaults_section(const DispatcherOptions& options, const std::string& directory) {
  const auto& timeouts = options.timeouts;
  std::string out = "defaults\n  mode http\n" + log_to(server_log_socket(directory));
  out += "  timeout connect " + ms(timeouts.connect_ms) + "\n  timeout queue " +
         ms(timeouts.queue_ms) + "\n  timeout client " + ms(timeouts.idle_ms) +
         "\n  timeout http-keep-alive " + ms(timeouts.idle_ms) + "\n  timeout http-request " +
         ms(timeouts.request_ms) + "\n  timeout server " + ms(timeouts.response_ms) + "\n";
  // A λ is a stateless function: what was not answered may be called again, elsewhere if possible.
  // Not what takes long, for it would take long again.
  out += "  retries " + std::to_string(options.retry.attempts) + "\n  option redispatch 1\n";
  if (!options.retry.on.empty()) {
    out += "  retry-on";
    for (const auto& event : options.retry.on) out += " " + event;
    out += "\n";
  }
  // A client that has gone gets no worker of a λ.
  out += "  option abortonclose\n";
  // A configuration that was replaced closes connections after an answer, not before a request.
  out += "  option idle-close-on-response\n";
  out += "  option forwardfor\n  http-reuse always\n";
  return out + errors();
}

std::string body_rules(const DispatcherOptions& options) {
  const auto half = std::to_string(options.limits.buffer_bytes / 2);
  const auto limit = std::to_string(options.limits.body_bytes_max);
  std::string out;
  out += answer(413, "too-large", "Content Too Large", "a body may have " + limit + " bytes") +
         " if { req.body_size gt " + limit + " }\n";
  // What is buffered can be sent again, and keeps no λ waiting for a slow client.
  out += "  acl chunked req.hdr(Transfer-Encoding) -m found\n";
  out += "  http-request wait-for-body time " + ms(options.timeouts.request_ms) +
         " if !chunked { req.body_size gt 0 }\n";
  out += "  http-request wait-for-body time " + ms(options.timeouts.request_ms) + " at-least " +
         half + " if chunked\n";
  // A body of unknown length is known when it is in the buffer, or it is refused.
  out += answer(413, "too-large", "Content Too Large",
                "a body without Content-Length may have " + half + " bytes") +
         " if chunked { req.body_size ge " + half + " }\n";
  out += answer(431, "headers-too-large", "Request Header Fields Too Large",
                "the headers have more than " + std::to_string(options.limits.buffer_bytes / 4) +
                    " bytes") +
         " if chunked { req.hdrs,length gt " + std::to_string(options.limits.buffer_bytes / 4) +
         " }\n";
  return out;
}

constexpr const char* kOwnBackend = "own";

// For whoever balances dispatchers or looks after one: whether it can dispatch.
std::string health_rule(bool complete) {
  return "  http-request return status " + std::string(complete ? "200" : "503") +
         " content-type application/json string '{\"status\":\"" + (complete ? "ok" : "starting") +
         "\"}' if { path /-/health }\n";
}

// A file that some server of the configuration names can be named by those that are added later.
std::string trust(const std::string& ca_file) {
  if (ca_file.empty()) return {};
  return "  server trust 127.0.0.1:1 disabled ssl verify required ca-file " + ca_file + "\n";
}

std::string own_backend(const DispatcherOptions& options, const std::string& ca_file) {
  const auto& server = options.server;
  return "backend " + std::string(kOwnBackend) + "\n  server api " +
         authority(address_from_here(server.address), server.port) + "\n" + trust(ca_file);
}

// For λ that cannot be configured.
std::string set_aside_backend() {
  return "backend " + std::string(kSetAsideBackend) + "\n" +
         answer(503, "unavailable", "Service Unavailable",
                "the configuration of application %[var(txn.app)] was refused; the status of the "
                "dispatcher says why") +
         " hdr Retry-After 30\n";
}

// Which λ there are is not known yet: later. Else it is, and this one is none of them.
std::string unknown_rule(bool complete) {
  const std::string condition = " unless { var(txn.backend) -m found }\n";
  if (complete) {
    return answer(404, "not-found", "Not Found", "there is no application %[var(txn.app)]") +
           condition;
  }
  return answer(503, "unavailable", "Service Unavailable", "the dispatcher has just started") +
         " hdr Retry-After 1" + condition;
}

std::string frontend_section(const DispatcherOptions& options, const std::string& directory,
                             bool complete) {
  const auto hops = std::to_string(options.limits.hops_max);
  std::string out = "frontend dispatcher\n  bind fd@" + std::to_string(kHandedFd) + "\n";
  // A body of HTTP/2 needs neither Content-Length nor chunks: body_rules() would not see its end.
  out += "  option disable-h2-upgrade\n";
  out += "  no log\n" + log_to(call_log_socket(directory));
  out +=
      "  log-format \"R %b %s %ST %[var(txn.t0)] %[var(txn.t1)] %[date(0,us)] %U %sc "
      "%[var(txn.tried)] %sq %bq %ts %Tr %Ta\"\n";
  // Nobody learns from calls that no destination had.
  out += health_rule(complete);
  out += "  http-request set-var(txn.app) path,field(2,/),url_dec,url_enc\n";
  out += "  http-request set-var(txn.rest) path,field(3,/,0)\n";
  out += "  http-request set-var(txn.hops) int(0)\n";
  out +=
      "  http-request set-var(txn.hops) req.hdr(Mx2-Dispatched),add(0) "
      "if { req.hdr(Mx2-Dispatched) -m int gt 0 }\n";
  out +=
      answer(508, "loop", "Loop Detected", "the call has passed " + hops + " dispatchers already") +
      " if { var(txn.hops) -m int ge " + hops + " }\n";
  out += "  http-request set-var(txn.backend) var(txn.app),map_str(" + directory + "/routes.map)\n";
  // No second hop: what comes from a dispatcher goes to a λ.
  out += "  http-request set-var(txn.backend) var(txn.app),map_str(" + directory +
         "/final.map) if { var(txn.hops) -m int gt 0 }\n";
  out += "  http-request set-var(txn.backend) str(" + std::string(kOwnBackend) +
         ") if { path /-/stats }\n";
  out += unknown_rule(complete);
  out += body_rules(options);
  out += "  http-request set-header Mx2-Dispatched %[var(txn.hops),add(1)]\n";
  out += "  http-response set-var(txn.t1) date(0,us)\n";
  out += "  use_backend %[var(txn.backend)]\n";
  return out;
}

const char* algorithm(const std::string& policy) {
  if (policy == "two-choices") return "random(2)";
  if (policy == "random-proportional") return "random(1)";
  return "roundrobin";
}

std::string path_rules(const std::string& path) {
  if (path.empty()) return "  http-request set-path /%[var(txn.rest)]\n";
  std::string escaped;
  for (const char c : path) escaped += c == '%' ? "%%" : std::string(1, c);
  return "  http-request set-path " + escaped +
         "/%[var(txn.rest)] if { var(txn.rest) -m len gt 0 }\n  http-request set-path " + escaped +
         " if !{ var(txn.rest) -m len gt 0 }\n";
}

std::string backend_section(const std::string& name, const Backend& backend,
                            const DispatcherOptions& options, const std::string& arguments,
                            const std::string& ca_file) {
  std::string out = "backend " + name + "\n  balance " + algorithm(options.selection.policy) + "\n";
  out += path_rules(backend.path);
  out += "  http-request lua.wait_for_somebody unless { nbsrv gt 0 }\n";
  // Of many calls a tenth tells as much: decided before it is known how they end.
  out += "  http-request set-log-level silent if { be_sess_rate gt " +
         std::to_string(kSampledCallsPerSecond) + " } !{ rand(10) -m int 0 }\n";
  // Evaluated at each attempt, when its connection is there, so before it is called again
  // elsewhere.
  out += "  tcp-response content set-var(txn.t0) date(0,us)\n";
  out += "  tcp-response content set-var(txn.tried) srv_name,concat(/,txn.tried)\n";
  for (const auto& [server, state] : backend.servers) {
    out += "  server " + server + " " + state.address + " weight " + std::to_string(state.weight) +
           arguments + tls_arguments(state, ca_file) + (state.enabled ? "\n" : " disabled\n");
  }
  return out;
}

std::string map_text(const std::map<std::string, std::string>& map) {
  std::string out;
  for (const auto& [key, value] : map) out += key + " " + value + "\n";
  return out;
}

}  // namespace

std::string command_socket(const std::string& directory, int generation) {
  return directory + "/command." + std::to_string(generation);
}

std::string call_log_socket(const std::string& directory) { return directory + "/calls"; }

std::string server_log_socket(const std::string& directory) { return directory + "/servers"; }

// HAProxy does not load a configuration that needs more files than it may open: two for a
// connection, one for the checks of a server, and some. Those of servers that are added later are
// not counted, but opened.
int connections_max(const DispatcherOptions& options, std::size_t servers) {
  const auto files = options.haproxy.files_max;
  const auto wanted = options.limits.connections_max;
  if (files == 0) return wanted;
  const auto others = std::min(kOtherFilesMax, files / 4) + servers;
  const auto room = std::max(files > others ? (files - others) / 2 : 0, kConnectionsLeast);
  return static_cast<int>(std::min(static_cast<std::uint64_t>(wanted), room));
}

std::size_t count_servers(const Layout& layout) {
  std::size_t servers = 0;
  for (const auto& [name, backend] : layout.backends) servers += backend.servers.size();
  return servers;
}

std::string server_arguments(const DispatcherOptions& options, std::size_t servers) {
  const auto& health = options.health;
  const auto spread =
      static_cast<std::int64_t>(servers) * whole::kMsPerSecond / health.checks_per_second;
  const auto interval = std::max<std::int64_t>(health.interval_ms, spread);
  // Connections count, answers do not: an application's error says nothing of its host. One check
  // that fails is as bad as all connections that did.
  std::string out = " check inter " + ms(interval) + " fastinter " + ms(health.down_interval_ms) +
                    " downinter " + ms(health.down_interval_ms) +
                    " fall 2 rise 1 observe layer4 error-limit " + std::to_string(health.failures) +
                    " on-error mark-down";
  if (options.limits.in_flight_max > 0) {
    out += " maxconn " + std::to_string(options.limits.in_flight_max);
  }
  return out;
}

HaproxyFiles haproxy_files(const Layout& layout, const DispatcherOptions& options,
                           const std::string& directory, int generation) {
  HaproxyFiles files;
  files.configuration = global_section(options, directory, generation, count_servers(layout)) +
                        "\n" + defaults_section(options, directory) + "\n" +
                        frontend_section(options, directory, layout.complete) + "\n" +
                        own_backend(options, layout.ca_file) + "\n" + set_aside_backend();
  const auto arguments = server_arguments(options, count_servers(layout));
  for (const auto& [name, backend] : layout.backends) {
    files.configuration +=
        "\n" + backend_section(name, backend, options, arguments, layout.ca_file);
  }
  files.script = kWaitForSomebody;
  files.routes = map_text(layout.routes);
  files.final_routes = map_text(layout.final_routes);
  return files;
}

}  // namespace mx2::dispatcher
