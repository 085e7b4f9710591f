// HTTP clients of the tests: plain POSIX sockets, so that hostile bytes can be sent and the bytes
// of an answer be seen as they are. All waits end after kPatienceMs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/json/json.h"

namespace mx2::test {

inline constexpr int kPatienceMs = 20000;

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct Response {
  int status = 0;  // 0: no complete answer came before the end or the deadline
  HeaderList headers;
  std::string body;

  // By its exact spelling: ETSI's suite looks names up in a case-sensitive dictionary.
  [[nodiscard]] std::optional<std::string> header(std::string_view exact_name) const;
  [[nodiscard]] json::Value json() const;
  // `detail` of a problem document.
  [[nodiscard]] std::string detail() const;
};

// One TCP connection to a server on 127.0.0.1.
class Socket {
 public:
  // `receive_buffer`: bytes the kernel may hold for us; 0: as it likes.
  explicit Socket(std::uint16_t port, int receive_buffer = 0);
  ~Socket();
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&&) = delete;

  // False when the server no longer takes bytes.
  bool send(std::string_view bytes);
  void half_close();
  // Ends with a reset instead of an orderly close.
  void reset();
  // From now on at most 64 KiB are read in each such time.
  void read_slowly(int pause_ms) { pause_ms_ = pause_ms; }
  // The next answer of this connection. `to_head`: the request was HEAD, so no body follows.
  [[nodiscard]] Response receive(bool to_head = false);
  // What comes up to `end`, with it; empty when the connection or the patience ends before.
  [[nodiscard]] std::string take_until(std::string_view end);
  // True when the server closes without sending anything more.
  [[nodiscard]] bool at_end();
  // Segments that the kernel had to send again, the first SYN included.
  [[nodiscard]] int retransmitted() const;
  // Bytes received and not yet part of an answer.
  [[nodiscard]] const std::string& unread() const { return input_; }

 private:
  bool fill();
  [[nodiscard]] bool fill_until(std::size_t size);

  int fd_ = -1;
  int pause_ms_ = 0;
  std::string input_;
};

// The text of a request with Host and, for a body, Content-Length; other headers as given.
[[nodiscard]] std::string request_text(std::string_view method, std::string_view target,
                                       std::string_view body = {}, const HeaderList& headers = {});

// A keep-alive client of well-formed requests; reconnects when the server has closed. Everything it
// receives goes to the contract log.
class Client {
 public:
  explicit Client(std::uint16_t port) : port_(port) {}

  Response request(const std::string& method, const std::string& target,
                   const std::string& body = {}, HeaderList headers = {});
  Response get(const std::string& target) { return request("GET", target); }
  Response post(const std::string& target, const json::Value& body) {
    return request("POST", target, json::dump(body));
  }
  Response put(const std::string& target, const json::Value& body) {
    return request("PUT", target, json::dump(body));
  }
  Response erase(const std::string& target) { return request("DELETE", target); }

 private:
  std::uint16_t port_;
  std::optional<Socket> socket_;
};

}  // namespace mx2::test
