// How much of what was sent a peer has taken: the only sign that a slow download gets on, as a
// socket tells that it can be written to when a third of its buffer is free, not before.
// Private to api/http.
#pragma once

#include <cstdint>

namespace mx2::http {

// Bytes that the peer of a connected TCP socket has acknowledged since it was opened; 0 when that
// is not known.
[[nodiscard]] std::uint64_t bytes_acked(int fd);

}  // namespace mx2::http
