// HTTP as values, the other side: one request, one reply, in turn.
//
//   http::CurlClient client({});
//   auto reply = client.send("GET", "http://127.0.0.1:8081/operator/v1/health", {}, "");
//
// A Result holds every reply the peer gave, whatever its status. An error means that there is none:
//   kInvalidArgument   the URL is not http or https, or a header has a line break: nothing was sent
//   kUnavailable       no connection, or it broke, or interrupt() ended it
//   kDeadlineExceeded  no complete reply in time
//   kTooLarge          the reply is larger than the limit
// and its cause is kUnreachable for all but the first; kInterrupted after interrupt_once().
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "api/base/ip.h"
#include "api/base/result.h"
#include "api/http/http.h"

namespace mx2::http {

inline constexpr const char* kUnreachable = "unreachable";
inline constexpr const char* kInterrupted = "interrupted";

class Client {
 public:
  virtual ~Client() = default;
  // `url` is absolute. Header names go out as they are; a body needs its Content-Type among them.
  virtual Result<Reply> send(const std::string& method, const std::string& url,
                             const Headers& headers, const std::string& body) = 0;
};

struct ClientOptions {
  int connect_timeout_ms = 5000;                       // the host's name included
  int timeout_ms = 30000;                              // for the whole exchange; 0: no end is set
  std::size_t response_bytes_max = 64U * 1024 * 1024;  // of a body
  std::size_t header_bytes_max = 64U * 1024;
  std::string bearer_token = {};      // sent as Authorization when it is not empty
  std::string ca_file = {};           // PEM file of trusted certificates; empty: the system's
  std::string certificate_file = {};  // PEM file that says who we are; empty: nothing does
  std::string key_file = {};          // of that certificate; empty: it is in the same file
  std::string unix_socket = {};       // where to connect, whatever host a URL names; empty: there
  std::size_t connections_max = 4;    // kept open for later
  // Of a reply Location and Mx2-Store are kept and what fits of the body; what is beyond is cut
  // off.
  bool in_brief = false;
  // Whether an address may be connected to. It is asked with the very address of each new
  // connection, after all resolving, so that no name can lead elsewhere in between. None: any may,
  // as with a unix_socket, of which it is not asked. A connection of a request that may go anywhere
  // is not kept, so it is left to no other.
  std::function<bool(const IpAddress&)> may_connect = {};
};

// Who reads a reply while it arrives, in the thread that drives the client. False from either ends
// it, and what has come is the reply. No limit but the sink's own is on the body.
struct StreamSink {
  std::function<bool(const Reply& head)> on_head;       // status and headers; once, before data
  std::function<bool(std::string_view bytes)> on_data;  // of the body, as they come
};

// libcurl, one exchange at a time, blocking, in the caller's thread: connections are kept and used
// again. Certificates are verified. Redirects are replies like any other, and proxies of the
// environment are not used: what the token protects goes where the caller said and nowhere else.
// One thread at a time, but for interrupt(). Many exchanges at once: async_client.h.
class CurlClient final : public Client {
 public:
  explicit CurlClient(const ClientOptions& options);
  ~CurlClient() override;
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;

  Result<Reply> send(const std::string& method, const std::string& url, const Headers& headers,
                     const std::string& body) override;

  // GETs a reply that may go on for ever, e.g. server-sent events; the body goes to `sink`, not
  // into the Reply. Ends without error when the peer has ended it or the sink said false, and with
  // kDeadlineExceeded when `idle_ms` pass without a byte, or `total_ms` in all (0: no end is set).
  Result<Reply> stream(const std::string& url, const Headers& headers, const StreamSink& sink,
                       int idle_ms, int total_ms = 0);

  // From any thread: ends the exchange in progress, if any, and every later one, at once.
  void interrupt() noexcept;
  // From any thread: ends the exchange in progress, or if there is none the next one; no other.
  void interrupt_once() noexcept;
  // Whether bytes of the last request may have reached the peer. If not, it cannot have acted on
  // it.
  [[nodiscard]] bool was_sent() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mx2::http
