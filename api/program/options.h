// What the configurations of all daemons have alike.
#pragma once

#include <string>

#include "api/config/reader.h"
#include "api/http/pistache_server.h"

namespace mx2::program {

struct LogOptions {
  std::string level = "info";   // as log::configure() takes it
  std::string format = "text";  // text | json
};

// Keys address and port of a section; what else there is to a listener is up to the program.
inline void read_listener(config::Reader& reader, const std::string& section,
                          http::ServerOptions& server) {
  reader.text(section + ".address", server.address);
  reader.integer(section + ".port", server.port, 0, 65535);
}

}  // namespace mx2::program
