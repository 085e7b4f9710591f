// Reading a context, once, when it changes, or as it changes: our extensions for device
// applications that cannot be called back. The caller's right to the context is checked as for any
// read.
//
// Threads: any may call; answers come from the store writer's, the events' or the server's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/http.h"
#include "orchestrator/mx2/procedures.h"

namespace mx2 {

// GET of a context. With If-None-Match: 304 while it is unchanged. With "Prefer: wait=N" as well
// (IETF RFC 7240) an unchanged context is waited for: 200 when it has changed, 404 when it has
// ended, 304 after N seconds.
void read_context(Contexts& contexts, const http::Request& request, const std::string& context_id,
                  const Caller& caller, http::Responder responder);

// GET of its events, as server-sent events (WHATWG HTML, section 9.2): each notification of MEC 016
// for this context, with the context's revision as the event's id. First comes the present list of
// instances, unless Last-Event-ID says that the client knows it. Ends with the context.
void stream_events(Contexts& contexts, const http::Request& request, const std::string& context_id,
                   const Caller& caller, http::Responder responder);

// The revisions that If-None-Match lists (weakly compared: IETF RFC 9110 13.1.2).
struct KnownRevisions {
  bool any = false;  // "*"
  std::vector<std::uint64_t> revisions;
  [[nodiscard]] bool include(std::uint64_t revision) const;
};
[[nodiscard]] std::optional<KnownRevisions> if_none_match_of(const http::Request& request);

inline constexpr std::uint64_t kWaitSecondsMax = 60;
// The first "wait" preference, at most kWaitSecondsMax; nothing when there is none or it is
// malformed.
[[nodiscard]] std::optional<std::chrono::seconds> preferred_wait(const http::Request& request);

}  // namespace mx2
