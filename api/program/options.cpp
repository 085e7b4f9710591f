#include "api/program/options.h"

namespace mx2::program {

void read_log(config::Reader& reader, LogOptions& log) {
  reader.choice("log.level", log.level, {"debug", "info", "warn", "error", "off"});
  reader.choice("log.format", log.format, {"text", "json"});
}

void read_listener(config::Reader& reader, const std::string& section,
                   http::ServerOptions& server) {
  reader.text(section + ".address", server.address);
  reader.integer(section + ".port", server.port, 0, 65535);
}

}  // namespace mx2::program
