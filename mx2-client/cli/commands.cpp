#include "mx2-client/cli/commands.h"

#include "api/base/terminal.h"

namespace mx2::cli {

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
}

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

}  // namespace mx2::cli
