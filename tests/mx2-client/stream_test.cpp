// HTTP replies that go on for ever, as the client library reads them.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "api/http/http_client.h"
#include "tests/catch.h"
#include "tests/mx2-client/support.h"

namespace mx2::test {
namespace {

// Accepts one connection, reads a request head and sends `bytes`; the end comes with the scope, or
// at once.
class RawServer {
 public:
  RawServer(std::string bytes, bool end) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(fd_, generic, size) == 0);
    REQUIRE(::listen(fd_, 1) == 0);
    REQUIRE(::getsockname(fd_, generic, &size) == 0);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
    thread_ = std::thread([this, end, bytes = std::move(bytes)] { serve(bytes, end); });
  }
  ~RawServer() {
    over_ = true;
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  void serve(const std::string& bytes, bool end) {
    const int peer = ::accept(fd_, nullptr, nullptr);
    if (peer < 0) return;
    char buffer[4096];
    static_cast<void>(::recv(peer, buffer, sizeof buffer, 0));
    static_cast<void>(::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    while (!end && !over_) std::this_thread::sleep_for(milliseconds(2));
    ::close(peer);
  }

  int fd_;
  std::string url_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

const std::string kHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

struct Reading {
  std::string data;
  int heads = 0;
  http::Reply head;
  http::StreamSink sink{[this](const http::Reply& reply) {
                          head = reply;
                          ++heads;
                          return true;
                        },
                        [this](std::string_view bytes) {
                          data += bytes;
                          return true;
                        }};
};

TEST_CASE("a stream gives its head, then its bytes, and ends without error", "[client][stream]") {
  RawServer server("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + kHead + "abc", true);
  http::CurlClient http({});
  Reading reading;
  const auto reply = http.stream(server.url(), {}, reading.sink, 10000);
  REQUIRE(reply.ok());
  CHECK(reply->status == 200);
  CHECK(reading.heads == 1);
  CHECK(reading.head.status == 200);
  CHECK(reading.head.content_type == "text/event-stream");
  CHECK(reading.data == "abc");
}

TEST_CASE("a stream that falls silent is given up", "[client][stream]") {
  RawServer server(kHead + "abc", false);
  http::CurlClient http({});
  Reading reading;
  const auto reply = http.stream(server.url(), {}, reading.sink, 50);
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == mx2::ErrorCode::kDeadlineExceeded);
  CHECK(reading.data == "abc");
}

TEST_CASE("the total timeout of the client is not that of a stream", "[client][stream]") {
  RawServer server(kHead, false);
  http::ClientOptions options;
  options.timeout_ms = 10;
  http::CurlClient http(options);
  Reading reading;
  const auto begin = std::chrono::steady_clock::now();
  CHECK_FALSE(http.stream(server.url(), {}, reading.sink, 200).ok());
  CHECK(std::chrono::steady_clock::now() - begin >= milliseconds(200));
}

TEST_CASE("whoever reads may end a stream at its head or later", "[client][stream]") {
  const bool at_head = GENERATE(true, false);
  RawServer server(kHead + "abc", false);
  http::CurlClient http({});
  const http::StreamSink sink{[&](const http::Reply&) { return !at_head; },
                              [](std::string_view) -> bool { throw std::runtime_error("enough"); }};
  const auto reply = http.stream(server.url(), {}, sink, 10000);
  REQUIRE(reply.ok());
  CHECK(reply->status == 200);
}

TEST_CASE("interrupt() ends a stream and a request from another thread", "[client][stream]") {
  const bool stream = GENERATE(true, false);
  RawServer server(stream ? kHead : "", false);
  http::CurlClient http({});
  Reading reading;
  std::thread other([&] {
    std::this_thread::sleep_for(milliseconds(50));
    http.interrupt();
  });
  const auto begin = std::chrono::steady_clock::now();
  const auto reply = stream ? http.stream(server.url(), {}, reading.sink, 60000)
                            : http.send("GET", server.url(), {}, "");
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  other.join();
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == mx2::ErrorCode::kUnavailable);
  CHECK_FALSE(http.send("GET", server.url(), {}, "").ok());
}

TEST_CASE("what is no HTTP makes its sender unreachable, not the URL wrong", "[client][stream]") {
  RawServer server("SSH-2.0-OpenSSH_9.2\r\n", true);
  http::CurlClient http({});
  const auto reply = http.send("GET", server.url(), {}, "");
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code == mx2::ErrorCode::kUnavailable);
  CHECK(reply.error().cause == http::kUnreachable);
}

TEST_CASE("a client knows whether its request has left", "[client][stream]") {
  http::CurlClient http({});
  CHECK_FALSE(http.send("POST", "http://127.0.0.1:1/", {}, "x").ok());
  CHECK_FALSE(http.was_sent());
  RawServer server("", true);
  CHECK_FALSE(http.send("POST", server.url(), {}, "x").ok());
  CHECK(http.was_sent());
}

}  // namespace
}  // namespace mx2::test
