#include "mx2-client/cli/commands.h"

#include <algorithm>
#include <chrono>

#include "api/base/terminal.h"

namespace mx2::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kOpenEvery{200};
constexpr const char* kNoHostType = "urn:mx2:problem:no-host";

client::ContextRequest request_of(const ContextOptions& options) {
  using client::Channel;
  auto request = options.request;
  for (const auto channel :
       {Channel::kAuto, Channel::kCallback, Channel::kEvents, Channel::kPolling}) {
    if (options.channel == client::name_of(channel)) request.channel = channel;
  }
  if (request.endpoints > 1) request.strategy = client::Strategy::kMultiple;
  if (!options.country.empty()) {
    request.location.emplace();
    request.location->country_code = options.country;
  }
  return request;
}

bool may_come(const client::Error& error) {
  return error.code == client::ErrorCode::kUnreachable || error.type == kNoHostType;
}

}  // namespace

int report(std::ostream& err, const client::Error& error) {
  err << "mx2: " << printable(error.message) << '\n';
  switch (error.code) {
    case client::ErrorCode::kInvalidArgument: return kExitUsage;
    case client::ErrorCode::kUnreachable:
    case client::ErrorCode::kTimeout: return kExitUnreachable;
    default: return kExitRefused;
  }
}

void add_context_options(CLI::App& command, ContextOptions& options) {
  auto& request = options.request;
  command.add_option("APP", request.app_name, "Its name, as mx2 apps lists it")->required();
  command.add_option("--provider", request.app_provider, "Its provider; else the first listed");
  command.add_option("--device", request.device_app_id,
                     "Who we are (associateDevAppId); else a random identifier");
  command.add_option("--country", options.country, "Only where this country is served, e.g. AU");
  command.add_option("--endpoints", request.endpoints, "How many instances to ask for")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  command.add_option("--channel", options.channel, "How to learn of moves")
      ->check(CLI::IsMember({"auto", "callback", "events", "polling"}))
      ->capture_default_str();
  command
      .add_option("--wait", options.wait_s,
                  "Seconds to wait for the orchestrator, and a MEC host that can serve it")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
}

client::Result<client::Context> open_context(Session& session, const ContextOptions& options) {
  const auto request = request_of(options);
  const auto end = steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(
                                             std::chrono::duration<double>(options.wait_s));
  for (bool told = false;; told = true) {
    auto context = session.client.open(request);
    if (context || !may_come(context.error())) return context;
    const auto now = steady_clock::now();
    if (now >= end) return context;
    if (!told) session.err << "waiting: " << printable(context.error().message) << std::endl;
    if (session.stop.wait_until(std::min(end, now + kOpenEvery))) return context;
  }
}

}  // namespace mx2::cli
