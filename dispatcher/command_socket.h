// HAProxy's Runtime API: commands over its UNIX socket (management.txt of HAProxy 2.6,
// section 9.3). Blocking, for a second at most; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.h"

namespace mx2::dispatcher {

// What one line of commands answers. unavailable when nobody does.
[[nodiscard]] Result<std::string> ask(const std::string& socket, const std::string& line);

// Many commands in a line, but none longer than HAProxy reads.
[[nodiscard]] std::vector<std::string> lines_of(const std::vector<std::string>& commands);

// Commands that change something, in order, many in a line. The words of those that failed.
[[nodiscard]] Result<std::vector<std::string>> command(const std::string& socket,
                                                       const std::vector<std::string>& commands);

// Lines of an answer to commands that say more than that they were carried out.
[[nodiscard]] std::vector<std::string> complaints(std::string_view answer);

// A server as "show stat" has it.
struct ServerState {
  std::string backend;
  std::string server;
  bool up = false;
  bool disabled = false;  // by us: it is neither up nor down
  bool checked = false;   // else it is up until proven otherwise
  long in_flight = 0;
  long queued = 0;
  long calls = 0;
  long server_errors = 0;  // 5xx that it answered
};
// Of the lines that are of servers; lines that are not as expected are passed over.
[[nodiscard]] std::vector<ServerState> parse_stat(std::string_view csv);

}  // namespace mx2::dispatcher
