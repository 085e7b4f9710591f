// mx2 run: calls a λ again and again, wherever it is.
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <utility>

#include "api/base/text.h"
#include "mx2-client/cli/commands.h"
#include "mx2-client/cli/printer.h"

namespace mx2::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLatenciesMax = 1'000'000;

struct RunOptions {
  ContextOptions context;
  std::string payload;
  std::string content_type;  // empty: that of the payload's file
  double every_s = 1;
  std::uint64_t count = 0;
  bool answers = false;
};

using MediaType = std::pair<const char*, const char*>;
constexpr const char* kAnyMedia = "application/octet-stream";
constexpr std::array<MediaType, 6> kMediaTypes{{{".jpg", "image/jpeg"},
                                                {".jpeg", "image/jpeg"},
                                                {".png", "image/png"},
                                                {".json", "application/json"},
                                                {".csv", "text/csv"},
                                                {".txt", "text/plain"}}};

struct Tally {
  std::uint64_t calls = 0;
  std::uint64_t failed = 0;
  std::vector<double> latencies;  // of those that did not fail, in milliseconds
  std::optional<Clock::time_point> last_good;
  double longest_gap_ms = 0;  // between two good answers
};

// The value that `share` of them do not exceed.
double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto rank =
      static_cast<std::size_t>(std::lround(share * static_cast<double>(values.size() - 1)));
  return values[rank];
}

std::string counted(std::uint64_t number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

// As the name of the payload's file ends.
std::string media_type_of(const std::string& payload) {
  if (payload.empty() || payload.front() != '@') return kAnyMedia;
  const auto ending = std::filesystem::path(payload.substr(1)).extension().string();
  const auto* known = std::find_if(kMediaTypes.begin(), kMediaTypes.end(), [&](const auto& type) {
    return equals_ignoring_case(type.first, ending);
  });
  return known == kMediaTypes.end() ? kAnyMedia : known->second;
}

// Nothing, after saying why, when a file cannot be read.
std::optional<std::string> read_payload(const std::string& given, std::ostream& err) {
  if (given.empty() || given.front() != '@') return given;
  const auto name = given.substr(1);
  std::ifstream file;
  if (name != "-") file.open(name, std::ios::binary);
  auto& in = name == "-" ? std::cin : static_cast<std::istream&>(file);
  std::string content{std::istreambuf_iterator<char>(in), {}};
  if (in.bad() || (name != "-" && !file.is_open())) {
    err << "mx2: " << name << ": cannot be read\n";
    return std::nullopt;
  }
  return content;
}

void note_good(Tally& tally, double latency_ms) {
  const auto now = Clock::now();
  if (tally.latencies.size() < kLatenciesMax) tally.latencies.push_back(latency_ms);
  if (tally.last_good) {
    const std::chrono::duration<double, std::milli> gap = now - *tally.last_good;
    tally.longest_gap_ms = std::max(tally.longest_gap_ms, gap.count());
  }
  tally.last_good = now;
}

void call_once(client::Context& context, const RunOptions& options, const std::string& payload,
               Printer& printer, Tally& tally) {
  const auto begin = Clock::now();
  const auto reply = context.invoke(payload, options.content_type);
  const std::chrono::duration<double, std::milli> taken = Clock::now() - begin;
  const bool good = reply.ok() && reply->status < 400;
  ++tally.calls;
  if (!good) ++tally.failed;
  if (good) note_good(tally, taken.count());
  printer.call(reply, taken.count(), options.answers);
}

void print_summary(client::Context& context, const Tally& tally, Printer& printer) {
  const auto now = context.statistics();
  const auto p50 = percentile(tally.latencies, 0.50);
  const auto p95 = percentile(tally.latencies, 0.95);
  std::string text = counted(tally.calls, "call") + ", " + std::to_string(tally.failed) + " failed";
  if (!tally.latencies.empty()) {
    text += ", p50 " + latency_text(p50) + ", p95 " + latency_text(p95) + ", longest gap " +
            latency_text(tally.longest_gap_ms);
  }
  text += "; " + counted(now.moves, "move") + " (" + client::name_of(now.channel) + ")";
  if (now.recreations > 0) text += "; context made again " + counted(now.recreations, "time");
  printer.summary({{"calls", tally.calls},
                   {"failed", tally.failed},
                   {"p50Ms", p50},
                   {"p95Ms", p95},
                   {"longestGapMs", tally.longest_gap_ms},
                   {"moves", now.moves},
                   {"recreations", now.recreations},
                   {"retries", now.retries},
                   {"channel", client::name_of(now.channel)}},
                  text);
}

int run_calls(Session& session, RunOptions options) {
  const auto payload = read_payload(options.payload, session.err);
  if (!payload) return kExitUsage;
  if (options.content_type.empty()) options.content_type = media_type_of(options.payload);
  auto context = open_context(session, options.context);
  if (!context) return report(session.err, context.error());
  Printer printer(session.out, session.json);
  printer.opened(*context, options.context.request.app_name);
  context->on_move([&](const client::Move& move) { printer.move(move); });
  const auto every =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.every_s));
  Tally tally;
  auto next = Clock::now();
  while (!session.stop.wait_until(next) && session.out.good()) {
    call_once(*context, options, *payload, printer, tally);
    if (options.count > 0 && tally.calls >= options.count) break;
    next = std::max(next + every, Clock::now());  // a late call is not made up for by two
  }
  print_summary(*context, tally, printer);
  context->on_move({});
  const auto closed = context->close();
  if (!closed) return report(session.err, closed.error());
  return tally.failed > 0 ? kExitRefused : 0;
}

}  // namespace

void add_run_command(const Menu& program) {
  const auto [command, options] = program.add<RunOptions>(
      "run",
      "Call an application again and again, wherever it moves; exit status 1 when a call "
      "failed or was answered with 400 or above",
      run_calls);
  add_context_options(command, options.context);
  command.add_option("--payload", options.payload, "What to POST: text, @FILE, or @- for stdin");
  command.add_option("--content-type", options.content_type,
                     "Its media type; else as the file's name ends, e.g. .jpg, .json");
  command.add_flag("--answers", options.answers, "Print what is answered, too");
  command.add_option("--every", options.every_s, "Time between calls, e.g. 500ms, 1s, 2m")
      ->transform(CLI::AsNumberWithUnit(
          std::map<std::string, double>{{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}},
          CLI::AsNumberWithUnit::CASE_SENSITIVE, "TIME"))
      ->default_str("1s");
  command.add_option("--count", options.count, "Stop after this many calls; else at Ctrl-C")
      ->check(CLI::PositiveNumber);
}

}  // namespace mx2::cli
