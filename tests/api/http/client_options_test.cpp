// What both clients can do alike, as they are two faces of one.
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>

#include "api/base/fd.h"
#include "api/http/async_client.h"
#include "api/http/http_client.h"
#include "tests/catch.h"
#include "tests/support/caller.h"
#include "tests/support/receiver.h"
#include "tests/support/temp_dir.h"

namespace mx2::test {
namespace {

Result<http::Reply> outcome_of(http::CurlMulti& client, http::OutgoingRequest request) {
  std::optional<Result<http::Reply>> reply;
  client.begin(std::move(request),
               [&](Result<http::Reply> ended) { reply.emplace(std::move(ended)); });
  REQUIRE(eventually([&] {
    client.poll(10);
    return reply.has_value();
  }));
  return *reply;
}

// By either client.
Result<http::Reply> get_with(bool blocking, const http::ClientOptions& options,
                             const std::string& url) {
  if (blocking) return http::CurlClient(options).send("GET", url, {}, "");
  http::AsyncClientOptions same;
  static_cast<http::ClientOptions&>(same) = options;
  http::CurlMulti client(same);
  return outcome_of(client, {"GET", url, {}, {}});
}

// Answers each connection to a unix domain socket with the head that it was sent.
class UnixServer {
 public:
  explicit UnixServer(const std::string& path)
      : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    REQUIRE(::bind(listener_.get(), generic, sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 8) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~UnixServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  UnixServer(const UnixServer&) = delete;
  UnixServer& operator=(const UnixServer&) = delete;

 private:
  void serve() {
    while (true) {
      const Fd peer(::accept(listener_.get(), nullptr, nullptr));
      if (!peer.is_open()) return;
      char heard[4096];
      const auto bytes = ::recv(peer.get(), heard, sizeof heard, 0);
      if (bytes <= 0) continue;
      const auto answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" +
                          std::string(heard, static_cast<std::size_t>(bytes));
      static_cast<void>(::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL));
    }
  }

  const Fd listener_;
  std::thread thread_;
};

// Of `openssl s_server`, which wants a certificate of its clients and tells them which they showed.
// It ends by itself.
class TlsServer {
 public:
  explicit TlsServer(const TempDir& files) {
    certificate = files.file("cert.pem");
    key = files.file("key.pem");
    const auto made =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        " -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout " +
        key + " -out " + certificate + " 2>/dev/null";
    REQUIRE(std::system(made.c_str()) == 0);  // NOLINT(cert-env33-c)
    const auto serve =
        "exec timeout 20 openssl s_server -accept 127.0.0.1:0 -naccept 4 -www"
        " -Verify 1 -verify_return_error -CAfile " +
        certificate + " -cert " + certificate + " -key " + key + " </dev/null 2>/dev/null";
    output_ = ::popen(serve.c_str(), "r");  // NOLINT(cert-env33-c)
    REQUIRE(output_ != nullptr);
    char line[256];
    while (url.empty() && std::fgets(line, sizeof line, output_) != nullptr) {
      std::string text(line);
      const std::string accept = "ACCEPT ";
      if (text.compare(0, accept.size(), accept) != 0) continue;
      url = "https://" + text.substr(accept.size(), text.find('\n') - accept.size()) + "/";
    }
    REQUIRE_FALSE(url.empty());
    // What else it says must not fill the pipe.
    drain_ = std::thread([this] {
      char more[4096];
      while (std::fread(more, 1, sizeof more, output_) > 0) continue;
    });
  }
  ~TlsServer() {
    if (drain_.joinable()) drain_.join();
    if (output_ != nullptr) ::pclose(output_);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  std::string certificate;
  std::string key;
  std::string url;

 private:
  std::FILE* output_ = nullptr;
  std::thread drain_;
};

TEST_CASE("http clients: a unix domain socket, whatever the URL names", "[http][client]") {
  const bool blocking = GENERATE(true, false);
  const TempDir files;
  http::ClientOptions options;
  options.unix_socket = files.file("socket");
  CHECK(code_of(get_with(blocking, options, "http://no.such.host.invalid/")) ==
        ErrorCode::kUnavailable);
  const UnixServer server(options.unix_socket);
  const auto reply = get_with(blocking, options, "http://no.such.host.invalid/v1/info?a=b");
  REQUIRE(reply.ok());
  CHECK(reply->body.rfind("GET /v1/info?a=b HTTP/1.1\r\nHost: no.such.host.invalid\r\n", 0) == 0);
}

TEST_CASE("http clients: a certificate says who we are", "[http][client]") {
  const TempDir files;
  const TlsServer server(files);
  for (const bool blocking : {true, false}) {
    CAPTURE(blocking);
    http::ClientOptions options;
    options.ca_file = server.certificate;
    CHECK(code_of(get_with(blocking, options, server.url)) == ErrorCode::kUnavailable);
    options.certificate_file = server.certificate;
    options.key_file = server.key;
    const auto reply = get_with(blocking, options, server.url);
    REQUIRE(reply.ok());
    CHECK_THAT(reply->body, ContainsSubstring("Client certificate"));
  }
}

TEST_CASE("http clients: a certificate that is not there is told in words", "[http][client]") {
  const bool blocking = GENERATE(true, false);
  BadReceiver peer(BadReceiver::Manner::kSilent);
  http::ClientOptions options;
  options.certificate_file = "/no/such/certificate.pem";
  auto url = peer.url("/");
  const auto reply = get_with(blocking, options, url.replace(0, 4, "https"));
  CHECK(code_of(reply) == ErrorCode::kUnavailable);
  CHECK_THAT(reply.error().detail, ContainsSubstring("our certificate"));
}

TEST_CASE("http clients: the token goes with every request", "[http][client]") {
  const bool blocking = GENERATE(true, false);
  Receiver receiver;
  http::ClientOptions options;
  options.bearer_token = "secret";
  REQUIRE(get_with(blocking, options, receiver.url("/")).ok());
  CHECK(receiver.last().header("Authorization") == "Bearer secret");
}

TEST_CASE("http clients: a request has nothing of the one before", "[http][client]") {
  Receiver receiver;
  http::CurlClient client({});
  REQUIRE(client.send("POST", receiver.url("/"), {{"X-Of", "the first"}}, "body").ok());
  CHECK(receiver.last().body == "body");
  REQUIRE(client.send("GET", receiver.url("/"), {}, "").ok());
  CHECK(receiver.last().body.empty());
  CHECK(receiver.last().header("X-Of").empty());
  CHECK(receiver.last().header("Content-Type").empty());
  CHECK(receiver.last().header("Content-Length").empty());
  REQUIRE(client.send("HEAD", receiver.url("/"), {}, "").ok());
  REQUIRE(client.send("PUT", receiver.url("/"), {}, "again").ok());
  CHECK(receiver.last().body == "again");
}

TEST_CASE("http clients: a blocking client keeps its connection", "[http][client]") {
  BadReceiver receiver(BadReceiver::Manner::kText,
                       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  http::CurlClient client({});
  for (int i = 0; i < 20; ++i) CHECK(client.send("POST", receiver.url("/"), {}, "x")->body == "ok");
  CHECK(receiver.connections() == 1);
}

TEST_CASE("http clients: a reply beyond the limit is none, unless in brief", "[http][client]") {
  Receiver receiver([](const Heard&, std::size_t) {
    return http::Reply{200, "text/plain", std::string(2000, 'x'), {}, false};
  });
  http::ClientOptions options;
  options.response_bytes_max = 1000;
  http::CurlClient strict(options);
  CHECK(code_of(strict.send("POST", receiver.url("/"), {}, "")) == ErrorCode::kTooLarge);
  options.in_brief = true;
  http::CurlClient brief(options);
  const auto reply = brief.send("POST", receiver.url("/"), {}, "");
  REQUIRE(reply.ok());
  CHECK(reply->body.size() == 1000);
}

TEST_CASE("async client: a reply may be read as it comes, however large", "[http][client]") {
  const std::string large(1U << 20U, 'x');
  Receiver receiver([&](const Heard&, std::size_t) {
    return http::Reply{200, "text/plain", large, {}, false};
  });
  const bool leaves = GENERATE(false, true);
  http::CurlMulti client({});
  std::size_t bytes = 0;
  int status = 0;
  http::StreamSink sink{[&](const http::Reply& head) { return (status = head.status) != 0; },
                        [&](std::string_view more) { return (bytes += more.size(), !leaves); }};
  const auto reply =
      outcome_of(client, {"GET", receiver.url("/"), {}, {}, std::move(sink), 10'000});
  REQUIRE(reply.ok());
  CHECK(status == 200);
  CHECK(reply->status == 200);
  CHECK(reply->body.empty());
  CHECK(leaves == (bytes < large.size()));
}

TEST_CASE("async client: a request may have a time of its own", "[http][client]") {
  BadReceiver silent(BadReceiver::Manner::kSilent);
  http::CurlMulti client({});
  const auto begun = std::chrono::steady_clock::now();
  CHECK(code_of(outcome_of(client, {"GET", silent.url("/"), {}, {}, {}, 100})) ==
        ErrorCode::kDeadlineExceeded);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(4));
}

}  // namespace
}  // namespace mx2::test
