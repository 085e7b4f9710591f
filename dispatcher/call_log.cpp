#include "dispatcher/call_log.h"

#include "api/base/text.h"

namespace mx2::dispatcher {
namespace {

constexpr double kUsPerSecond = 1e6;
constexpr std::uint64_t kFirstServerError = 500;
constexpr std::string_view kCall = "R ";
constexpr std::string_view kServer = "Server ";

// Backend, server, status, begin and answer in microseconds, bytes, calls at the server, retries,
// queue of server and backend, how it ended.
enum Field {
  kBackend,
  kName,
  kStatus,
  kBegun,
  kAnswered,
  kBytes,
  kLoad,
  kRetries,
  kQueue,
  kBackendQueue,
  kEnd,
  kFields
};

std::optional<std::variant<CallLogged, ServerChanged>> parse_call(std::string_view line) {
  const auto fields = split(line, ' ');
  if (fields.size() != kFields || fields[kName].starts_with('<')) return std::nullopt;
  CallLogged call{fields[kBackend], fields[kName], {}, false};
  const auto begun = parse_uint(fields[kBegun]);
  const auto answered = parse_uint(fields[kAnswered]);
  const auto status = parse_uint(fields[kStatus]).value_or(0);
  // A client that went away says nothing about the destination.
  if (fields[kEnd].starts_with('C')) return std::nullopt;
  call.sample.failed = !answered || status >= kFirstServerError || status == 0;
  if (!begun || (!answered && !call.sample.failed)) return std::nullopt;
  if (answered && *answered >= *begun) {
    call.sample.seconds = static_cast<double>(*answered - *begun) / kUsPerSecond;
  }
  call.sample.bytes = static_cast<double>(parse_uint(fields[kBytes]).value_or(0));
  call.sample.load = static_cast<double>(parse_uint(fields[kLoad]).value_or(0));
  call.queued = fields[kQueue] != "0" || fields[kBackendQueue] != "0";
  return call;
}

std::optional<std::variant<CallLogged, ServerChanged>> parse_server(std::string_view line) {
  const auto fields = split(line, ' ');
  const auto slash = fields[0].find('/');
  if (fields.size() < 3 || slash == std::string_view::npos || fields[1] != "is") {
    return std::nullopt;
  }
  const auto state = fields[2].substr(0, fields[2].find_first_of(",./"));
  if (state != "UP" && state != "DOWN") return std::nullopt;
  return ServerChanged{fields[0].substr(0, slash), fields[0].substr(slash + 1), state == "UP",
                       !fields[2].starts_with("UP/READY")};
}

}  // namespace

std::optional<std::variant<CallLogged, ServerChanged>> parse_log_line(std::string_view line) {
  while (line.ends_with('\n')) line.remove_suffix(1);
  if (line.starts_with(kCall)) return parse_call(line.substr(kCall.size()));
  if (line.starts_with(kServer)) return parse_server(line.substr(kServer.size()));
  return std::nullopt;
}

}  // namespace mx2::dispatcher
