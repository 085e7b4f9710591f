// mx2ctl instances and capacity: what runs where, and what should.
#include "ctl/commands.h"

namespace mx2::ctl {

void add_lifecycle_commands(const Menu& program) {
  const std::vector<ListOption> options{{"--app", "app", "Only of this appDId"},
                                        {"--host", "host", "Only of this host"}};
  add_list(
      program, "instances", "Instances of λ on all hosts", "/instances", options,
      {member("hostId", "HOST"), member("appDId", "APP"), member("appInstanceId", "INSTANCE"),
       member("state", "STATE"), member("managed", "MANAGED"), member("restarts", "RESTARTS", true),
       member("fetchMs", "FETCH MS", true), member("installMs", "INSTALL MS", true),
       member("startMs", "START MS", true), member("readyMs", "READY MS", true),
       member("referenceURI", "REFERENCE URI"), member("lastError", "LAST ERROR")});
  add_list(program, "capacity", "How many instances are wanted of each app at each host, and why",
           "/capacity", options,
           {member("hostId", "HOST"), member("appDId", "APP"),
            member("instances", "INSTANCES", true), member("reason", "REASON")});
}

}  // namespace mx2::ctl
