// What the configurations of all daemons have alike.
#pragma once

#include <string>
#include <utility>

#include "api/base/result.h"
#include "api/config/reader.h"
#include "api/http/pistache_server.h"

namespace mx2::program {

struct LogOptions {
  std::string level = "info";   // as log::configure() takes it
  std::string format = "text";  // text | json
};

// The configuration of a program, `Options` having a member `log`.
template <typename Options>
struct Read {
  Options options;
  std::string effective;  // as YAML, without secrets
};

// Keys log.level and log.format.
void read_log(config::Reader& reader, LogOptions& log);
// Keys address and port of a section; what else there is to a listener is up to the program.
void read_listener(config::Reader& reader, const std::string& section, http::ServerOptions& server);

// When all keys have been read: the options, or all errors at once, with their places.
template <typename Options>
[[nodiscard]] Result<Read<Options>> finish(config::Reader& reader, Options options) {
  if (auto fine = reader.finish(); !fine) return fine.error();
  return Read<Options>{std::move(options), reader.effective()};
}

}  // namespace mx2::program
