// What HAProxy writes to its log socket, as haproxy_config.cpp asks for it: a line for each call
// (of many, for a tenth of them), and a line when a server goes down or comes back. Datagrams that
// do not fit its queue are lost, which calls survive.
#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "dispatcher/estimate.h"

namespace mx2::dispatcher {

struct CallLogged {
  std::string_view backend;
  std::vector<std::string_view> failed;  // servers that had it before, each once for each attempt
  std::string_view server;               // that had it last
  std::optional<Sample> sample;          // of that one; none: it says nothing
  bool abandoned = false;  // the caller has gone; sample->seconds is how long it waited
  bool queued = false;
};
struct ServerChanged {
  std::string_view backend;
  std::string_view server;
  bool up = false;
  bool checked = true;  // false: up because we have enabled it
};

// The views are into `line`. Nothing for lines that say nothing about a destination.
[[nodiscard]] std::optional<std::variant<CallLogged, ServerChanged>> parse_log_line(
    std::string_view line);

}  // namespace mx2::dispatcher
