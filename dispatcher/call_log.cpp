#include "dispatcher/call_log.h"

#include <algorithm>

#include "api/base/text.h"
#include "api/base/units.h"

namespace mx2::dispatcher {
namespace {

constexpr double kUsPerSecond = 1e6;
constexpr double kSlack = 0.1;  // seconds by which the two clocks may differ in a busy HAProxy
constexpr std::uint64_t kFirstServerError = 500;
constexpr std::string_view kNothing = "-";
constexpr std::string_view kNoAnswerYet = "CH";
constexpr std::string_view kCall = "R ";
constexpr std::string_view kServer = "Server ";

// Backend, server, status; in microseconds when the last attempt began, its answer and the end;
// bytes, calls at the server, servers that were tried, the last one first; queue of server and
// backend, how it ended; milliseconds from the last attempt to its answer, and of the whole call.
enum Field {
  kBackend,
  kName,
  kStatus,
  kBegun,
  kAnswered,
  kEnded,
  kBytes,
  kLoad,
  kTried,
  kQueue,
  kBackendQueue,
  kEnd,
  kAnswerMs,
  kCallMs,
  kFields
};

using Fields = std::vector<std::string_view>;

std::vector<std::string_view> failed_before(const Fields& fields) {
  std::vector<std::string_view> out;
  for (const auto server : split(fields[kTried], '/')) {
    if (!server.empty() && server != kNothing) out.push_back(server);
  }
  if (!out.empty() && out.front() == fields[kName]) out.erase(out.begin());
  return out;
}

// None if the clock was set back meanwhile.
std::optional<double> seconds_between(std::optional<std::uint64_t> begin,
                                      std::optional<std::uint64_t> end) {
  if (!begin || !end || *end < *begin) return std::nullopt;
  return static_cast<double>(*end - *begin) / kUsPerSecond;
}

// HAProxy has microseconds of the wall clock alone, which may be set at any time; its milliseconds
// are of a clock that is not. `end` is when it was answered, or, abandoned, when the caller left.
std::optional<double> seconds_of(const Fields& fields, bool abandoned) {
  const auto begin = parse_uint(fields[kBegun]);
  const auto end = parse_uint(fields[abandoned ? kEnded : kAnswered]);
  const auto measured = seconds_between(begin, end);
  const auto ms = parse_uint(fields[abandoned ? kCallMs : kAnswerMs]);  // -1: none
  if (!begin || !end || !ms) return measured;
  const double steady = static_cast<double>(*ms) / kMsPerSecond;
  if (!measured || *measured > steady + kSlack) return steady;
  return abandoned ? *measured : std::max(*measured, steady - kSlack);
}

std::optional<Sample> sample_of(const Fields& fields, bool abandoned) {
  if (fields[kName].starts_with('<')) return std::nullopt;
  Sample sample;
  const auto answered = parse_uint(fields[kAnswered]);
  const auto status = parse_uint(fields[kStatus]).value_or(0);
  // Who goes before the call was sent, or while the answer arrives, says nothing.
  if (abandoned && fields[kEnd] != kNoAnswerYet) return std::nullopt;
  const auto seconds = seconds_of(fields, abandoned);
  sample.failed = abandoned || !answered || status >= kFirstServerError || status == 0;
  if (!seconds && (abandoned || !sample.failed)) return std::nullopt;
  sample.seconds = seconds.value_or(0);
  sample.bytes = static_cast<double>(parse_uint(fields[kBytes]).value_or(0));
  sample.load = static_cast<double>(parse_uint(fields[kLoad]).value_or(0));
  return sample;
}

std::optional<std::variant<CallLogged, ServerChanged>> parse_call(std::string_view line) {
  const auto fields = split(line, ' ');
  if (fields.size() != kFields) return std::nullopt;
  const bool abandoned = fields[kEnd].starts_with('C');
  CallLogged call{fields[kBackend], failed_before(fields),
                  fields[kName],    sample_of(fields, abandoned),
                  abandoned,        false};
  if (!call.sample && call.failed.empty()) return std::nullopt;
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
