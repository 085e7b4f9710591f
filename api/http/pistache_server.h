// The HTTP/1.1 server: Pistache behind the Server interface. The only place that includes Pistache.
//
// Pistache parses, reads and writes. This adapter accepts (acceptor.h), and decides what Pistache
// 0.0.5 leaves open: what happens to a second request that arrives before the first is answered (it
// waits, in order), what a malformed, oversized or late request is told (a problem document, then
// the connection is closed), and what the head of a response says (keep-alive as HTTP/1.1 means
// it).
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "api/http/http.h"

namespace mx2::http {

struct ServerOptions {
  std::string address = "127.0.0.1";  // IPv4 or IPv6, textual
  std::uint16_t port = 0;             // 0: any free port
  int threads = 2;
  std::size_t head_bytes_max = 8192;    // request line and headers; above: 414 or 431
  std::size_t body_bytes_max = 65536;   // above: 413
  std::size_t connections_max = 10000;  // above: 503 and close
  int idle_timeout_ms = 60000;          // a connection that completes no request for this long
                                        // is closed, after a 408 if one was begun; also one that
                                        // takes less than 1 KiB/s of its answer for this long
};

class PistacheServer final : public Server {
 public:
  explicit PistacheServer(ServerOptions options);
  ~PistacheServer() override;

  void start(Handler& handler) override;
  [[nodiscard]] std::uint16_t port() const override;
  void stop(int grace_ms) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mx2::http
