#include "api/orchestrator/access.h"

namespace mx2 {

void read_access(config::Reader& reader, OrchestratorAccess& access) {
  reader.url("orchestrator.url", access.url);
  reader.token_file("orchestrator.token_file", access.token);
  reader.ca_file("orchestrator.ca_file", access.ca_file);
  reader.integer("orchestrator.timeout_ms", access.timeout_ms, 100, 3'600'000);
}

void read_access(config::Reader& reader, FeedAccess& access) {
  read_access(reader, static_cast<OrchestratorAccess&>(access));
  reader.integer("orchestrator.wait_ms", access.wait_ms, 0, 60'000);
  reader.integer("orchestrator.page_items", access.page_items, 1, 100'000);
}

http::ClientOptions client_options(const FeedAccess& access) {
  http::ClientOptions options;
  options.timeout_ms = access.timeout_ms + access.wait_ms;
  options.bearer_token = access.token;
  options.ca_file = access.ca_file;
  return options;
}

}  // namespace mx2
