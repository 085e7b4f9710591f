// mx2ctl: parses the command line, runs the command, and turns its outcome into an exit status.
#include <poll.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <exception>
#include <iostream>

#include "ctl/command_line.h"

namespace mx2::ctl {
namespace {

// A reader that has seen enough (mx2ctl … | head) is no failure.
bool reader_left() {
  pollfd output{STDOUT_FILENO, POLLOUT, 0};
  return poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

// "ada@ops-1", as far as the machine says so.
std::string own_name() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  const auto* user = getpwuid(geteuid());
  const std::string name = user == nullptr ? std::to_string(geteuid()) : user->pw_name;
  return name + "@" + host.data();
}

int run(const CommandLine& command_line) {
  const auto options = command_line.client_options();
  if (!options) {
    print_error(std::cerr, options.error());
    return kExitUsage;
  }
  http::CurlClient http(*options);
  OperatorClient server(http, command_line.url());
  server.introduce(own_name());
  Session session{server, command_line.format(), std::cout, std::cerr, std::cin};
  const auto status = command_line.command()(session);
  if (!std::cout.flush() && !reader_left()) {
    std::cerr << "mx2ctl: the output cannot be written\n";
    return kExitRefused;
  }
  if (status) return *status;
  print_error(std::cerr, status.error());
  return exit_status_of(status.error());
}

}  // namespace
}  // namespace mx2::ctl

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::ios::sync_with_stdio(false);
  try {
    mx2::ctl::CommandLine command_line;
    try {
      command_line.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
      return command_line.app().exit(e) == 0 ? 0 : mx2::ctl::kExitUsage;
    }
    return mx2::ctl::run(command_line);
  } catch (const std::exception& e) {
    std::cerr << "mx2ctl: " << e.what() << '\n';
    return mx2::ctl::kExitRefused;
  }
}
