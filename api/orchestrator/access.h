// How a program reaches the orchestrator's operator API, as its configuration says below
// `orchestrator`.
#pragma once

#include <cstddef>
#include <string>

#include "api/config/reader.h"
#include "api/http/http_client.h"

namespace mx2 {

struct OrchestratorAccess {
  std::string url = "http://127.0.0.1:8081";  // without slashes at its end
  std::string token = {};                     // read from its file; empty: none is sent
  std::string ca_file = {};                   // PEM; empty: the certificates of the system
  int timeout_ms = 30'000;                    // of a call
};

// Of a program that follows the orchestrator's feed of changes (feed.h).
struct FeedAccess : OrchestratorAccess {
  int wait_ms = 20'000;           // that a long poll for changes may last, besides timeout_ms
  std::size_t page_items = 1000;  // of a list that are read at once
};

// Keys url, token_file, ca_file and timeout_ms; what is absent keeps the value it has in `access`.
// Errors are the reader's.
void read_access(config::Reader& reader, OrchestratorAccess& access);
// Likewise, and wait_ms and page_items.
void read_access(config::Reader& reader, FeedAccess& access);

// For a client that may wait for changes.
[[nodiscard]] http::ClientOptions client_options(const FeedAccess& access);

}  // namespace mx2
