// HTTP as values, the other side, many at once: requests are begun, and their replies come back
// from poll(), which one thread calls again and again.
//
//   while (running) { begin what is due; client.poll(timeout_ms); }
//
// Errors are as http_client.h has them, and besides:
//   kForbidden (cause kNotAllowed)      the host's address is not one we may connect to
//   kUnavailable (cause kNoSuchName)    its name does not exist now; kImpossibleName: never can
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "api/base/callback.h"
#include "api/base/ip.h"
#include "api/base/result.h"
#include "api/http/http.h"
#include "api/http/resolver.h"

namespace mx2::http {

inline constexpr const char* kNotAllowed = "address-not-allowed";

struct OutgoingRequest {
  std::string method;
  std::string url;
  Headers headers;
  std::string body;
  bool may_go_anywhere = false;  // whatever may_connect says
};

class AsyncClient {
 public:
  virtual ~AsyncClient() = default;
  // `done` is called from within poll(), once; never from within begin().
  virtual void begin(OutgoingRequest request, Callback<Result<Reply>> done) = 0;
  // Sends and receives until something has happened, wake() is called, or the time is over.
  virtual void poll(int timeout_ms) = 0;
  // Ends the present or the next poll() at once. Callable from any thread.
  virtual void wake() = 0;
};

struct AsyncClientOptions {
  int connect_timeout_ms = 2000;                // its host's name included
  int timeout_ms = 5000;                        // for the whole exchange
  std::size_t response_bytes_max = 16U * 1024;  // of a body; what is beyond is cut off
  std::size_t header_bytes_max = 16U * 1024;
  std::size_t connections_max = 4096;  // kept open for later
  std::string ca_file;                 // PEM file of trusted certificates; empty: the system's
  // Whether an address may be connected to. It is asked with the very address of each new
  // connection, after all resolving, so that no name can lead elsewhere in between. A connection of
  // a request that may go anywhere is not kept, so it is left to no other.
  std::function<bool(const IpAddress&)> may_connect;
  ResolverOptions names;  // but for its timeout_ms, which is connect_timeout_ms
};

// libcurl's multi interface on epoll, with names resolved beside it (Resolver). No redirects are
// followed, no proxies of the environment used, certificates are verified. One thread, but for
// wake().
class CurlMulti final : public AsyncClient {
 public:
  explicit CurlMulti(AsyncClientOptions options);
  ~CurlMulti() override;
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;

  void begin(OutgoingRequest request, Callback<Result<Reply>> done) override;
  void poll(int timeout_ms) override;
  void wake() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mx2::http
