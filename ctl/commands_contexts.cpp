// mx2ctl contexts …
#include "ctl/commands.h"

namespace mx2::ctl {

void add_context_commands(const Menu& program) {
  const auto contexts = program.group("contexts", "Application contexts");
  add_list(contexts, "list", "List contexts", "/contexts",
           {{"--app", "app", "Only contexts of this appDId"},
            {"--device", "associateDevAppId", "Only of this associateDevAppId"},
            {"--host", "host", "Only those on this MEC host"}},
           {member("contextId", "CONTEXT"), member("app", "APP"),
            member("associateDevAppId", "DEVICE"), member("clientIp", "CLIENT IP"),
            member("host", "HOST"), member("ue", "ROW"), member("callback", "CALLBACK"),
            member("created", "CREATED"), member("referenceURI", "REFERENCE URI")});
  add_for_each(contexts, "delete", "End contexts", "context", "contextId",
               [](Session& session, const std::string& id) {
                 const auto ended = session.server.remove(encoded("contexts", id));
                 return said(ended, "ended", "context " + id);
               });
}

}  // namespace mx2::ctl
