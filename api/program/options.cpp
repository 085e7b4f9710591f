#include "api/program/options.h"

namespace mx2::program {

void read_listener(config::Reader& reader, const std::string& section,
                   http::ServerOptions& server) {
  reader.text(section + ".address", server.address);
  reader.integer(section + ".port", server.port, 0, 65535);
}

}  // namespace mx2::program
