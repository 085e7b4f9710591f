// CurlMulti alone.
#include "api/http/async_client.h"

#include <atomic>
#include <set>

#include "api/http/http_client.h"
#include "tests/catch.h"
#include "tests/support/caller.h"
#include "tests/support/receiver.h"

namespace mx2::test {
namespace {

using http::AsyncClientOptions;
using http::CurlMulti;

AsyncClientOptions impatient() {
  AsyncClientOptions options;
  options.timeout_ms = 200;
  options.connect_timeout_ms = 200;
  return options;
}

TEST_CASE("async client: a POST as it was given, and its reply", "[http][client]") {
  Receiver receiver([](const Heard&, std::size_t) {
    return http::Reply{202, "text/plain", "taken", {{"Location", "/there"}}, false};
  });
  Caller caller;
  const auto reply = caller.one(receiver.url("/a?b=c"),
                                {{"Content-Type", "application/json"}, {"Mx2-Sequence", "7"}});
  REQUIRE(reply.ok());
  CHECK(reply->status == 202);
  CHECK(reply->body == "taken");
  REQUIRE(reply->headers.size() == 1);
  CHECK(reply->headers[0].first == "Location");
  CHECK(reply->headers[0].second == "/there");
  const auto heard = receiver.last();
  CHECK(heard.path == "/a");
  CHECK(heard.body == "{}");
  CHECK(heard.header("Mx2-Sequence") == "7");
  CHECK(heard.header("Content-Type") == "application/json");
  CHECK(heard.header("Expect").empty());
  CHECK(heard.header("User-Agent").rfind("mx2/", 0) == 0);
}

TEST_CASE("async client: a redirect is a reply like any other", "[http][client]") {
  Receiver target;
  Receiver receiver([&](const Heard&, std::size_t) {
    return http::Reply{307, "", "", {{"Location", target.url("/")}}, false};
  });
  Caller caller;
  CHECK(caller.one(receiver.url("/"))->status == 307);
  CHECK(target.heard().empty());
}

TEST_CASE("async client: a connection serves many requests", "[http][client]") {
  BadReceiver receiver(BadReceiver::Manner::kText,
                       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  std::atomic<int> connects{0};
  AsyncClientOptions options;
  options.may_connect = [&](const IpAddress&) { return ++connects > 0; };
  Caller caller(options);
  for (int i = 0; i < 20; ++i) CHECK(caller.one(receiver.url("/"))->status == 200);
  CHECK(receiver.connections() == 1);
  CHECK(connects == 1);
}

TEST_CASE("async client: many at once, each with its own reply", "[http][client]") {
  Receiver receiver([](const Heard& heard, std::size_t) {
    return http::Reply{200, "text/plain", heard.path, {}, false};
  });
  Caller caller;
  for (int i = 0; i < 500; ++i) caller.post(receiver.url("/" + std::to_string(i)));
  REQUIRE(caller.finish());
  std::set<std::size_t> seen;
  for (const auto& [n, reply] : caller.results) {
    REQUIRE(reply.ok());
    CHECK(reply->body == "/" + std::to_string(n));
    CHECK(seen.insert(n).second);
  }
}

TEST_CASE("async client: one that never answers times out beside others", "[http][client]") {
  Receiver good;
  BadReceiver silent(BadReceiver::Manner::kSilent);
  BadReceiver slow(BadReceiver::Manner::kSlowHeaders);
  Caller caller(impatient());
  caller.post(silent.url("/"));
  caller.post(slow.url("/"));
  caller.post(good.url("/"));
  REQUIRE(caller.finish());
  CHECK(caller.results.at(0).first == 2);
  CHECK(caller.results.at(0).second->status == 204);
  CHECK(code_of(caller.results.at(1).second) == ErrorCode::kDeadlineExceeded);
  CHECK(code_of(caller.results.at(2).second) == ErrorCode::kDeadlineExceeded);
}

TEST_CASE("async client: peers that break off or talk nonsense", "[http][client]") {
  struct Row {
    BadReceiver::Manner manner;
    const char* text;
    ErrorCode code;
  };
  using Manner = BadReceiver::Manner;
  for (const auto& row : {
           Row{Manner::kCloses, "", ErrorCode::kUnavailable},
           Row{Manner::kTextAndCloses, "", ErrorCode::kUnavailable},
           Row{Manner::kTextAndCloses, "HTTP/1.1 20", ErrorCode::kUnavailable},
           Row{Manner::kTextAndCloses, "SSH-2.0-OpenSSH_9.2\r\n", ErrorCode::kUnavailable},
           Row{Manner::kTextAndCloses, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
               ErrorCode::kUnavailable},
           Row{Manner::kText, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
               ErrorCode::kDeadlineExceeded},
           Row{Manner::kHeaders, "", ErrorCode::kTooLarge},
       }) {
    CAPTURE(static_cast<int>(row.manner), row.text);
    BadReceiver peer(row.manner, row.text);
    Caller caller(impatient());
    const auto reply = caller.one(peer.url("/"));
    CHECK(code_of(reply) == row.code);
    CHECK(reply.error().cause == http::kUnreachable);
    CHECK_FALSE(reply.error().detail.empty());
  }
}

TEST_CASE("async client: nobody listens", "[http][client]") {
  std::string url;
  {
    Receiver receiver;
    url = receiver.url("/");
  }
  Caller caller(impatient());
  CHECK(code_of(caller.one(url)) == ErrorCode::kUnavailable);
}

TEST_CASE("async client: of a large body the beginning is kept", "[http][client]") {
  const std::string large(1U << 20U, 'x');
  Receiver receiver([&](const Heard&, std::size_t) {
    return http::Reply{200, "text/plain", large, {}, false};
  });
  AsyncClientOptions options;
  options.response_bytes_max = 1000;
  Caller caller(options);
  for (int i = 0; i < 3; ++i) {
    const auto reply = caller.one(receiver.url("/"));
    REQUIRE(reply.ok());
    CHECK(reply->status == 200);
    CHECK(reply->body.size() == 1000);
  }
}

TEST_CASE("async client: what is no http URL, and line breaks, are not sent", "[http][client]") {
  Receiver receiver;
  Caller caller;
  for (const std::string& url : {std::string("ftp://127.0.0.1/"), std::string("file:///etc/passwd"),
                                 std::string("http://"), std::string("gopher://127.0.0.1/"),
                                 std::string(), receiver.url("/\r\nX: y"), receiver.url("/\n")}) {
    CAPTURE(url);
    CHECK(code_of(caller.one(url)) == ErrorCode::kInvalidArgument);
  }
  CHECK(code_of(caller.one(receiver.url("/"), {{"A", "b\r\nC: d"}})) ==
        ErrorCode::kInvalidArgument);
  CHECK(code_of(caller.one(receiver.url("/"), {{"A\nB", "c"}})) == ErrorCode::kInvalidArgument);
  CHECK(receiver.heard().empty());
  CHECK(caller.one(receiver.url("/"))->status == 204);  // and it works on
}

TEST_CASE("async client: wake ends a wait, also one that has not begun", "[http][client]") {
  CurlMulti client({});
  const auto begun = std::chrono::steady_clock::now();
  client.wake();
  client.poll(60'000);
  std::thread other([&] { client.wake(); });
  client.poll(60'000);
  other.join();
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(30));
}

TEST_CASE("async client: it ends with requests in flight, whose callbacks never come",
          "[http][client]") {
  BadReceiver silent(BadReceiver::Manner::kSilent);
  const auto token = std::make_shared<int>();
  bool called = false;
  {
    CurlMulti client({});
    for (int i = 0; i < 20; ++i) {
      client.begin({"POST", silent.url("/"), {}, "{}"},
                   [&called, token](const Result<http::Reply>&) { called = true; });
    }
    client.begin({"POST", "http://a\n/", {}, ""},
                 [&called, token](const Result<http::Reply>&) { called = true; });
    while (silent.requests() < 20) client.poll(10);
    called = false;  // of the refused one
  }
  CHECK_FALSE(called);
  CHECK(token.use_count() == 1);
}

TEST_CASE("async client: a callback may begin the next request", "[http][client]") {
  Receiver receiver;
  CurlMulti client({});
  int done = 0;
  std::function<void()> next = [&] {
    client.begin({"POST", receiver.url("/"), {}, "{}"}, [&](const Result<http::Reply>& reply) {
      CHECK(reply.ok());
      if (++done < 10) next();
    });
  };
  next();
  CHECK(eventually([&] {
    client.poll(50);
    return done == 10;
  }));
}

TEST_CASE("async client: each new connection is asked for, whatever the name says",
          "[http][client][ssrf]") {
  Receiver receiver;
  std::vector<std::string> asked;
  AsyncClientOptions options;
  options.may_connect = [&](const IpAddress& address) {
    asked.push_back(address.text());
    return false;
  };
  Caller caller(options);
  for (const char* host : {"localhost", "127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1",
                           "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0"}) {
    CAPTURE(host);
    const auto before = asked.size();
    const auto reply = caller.one(receiver.url("/", host));
    CHECK(code_of(reply) == ErrorCode::kForbidden);
    CHECK(reply.error().cause == http::kNotAllowed);
    REQUIRE(asked.size() > before);
    for (auto i = before; i < asked.size(); ++i) {
      CHECK((asked[i] == "127.0.0.1" || asked[i] == "::1" || asked[i] == "0.0.0.0"));
    }
  }
  CHECK(receiver.heard().empty());
}

TEST_CASE("async client: who may go anywhere leaves no connection to who may not",
          "[http][client][ssrf]") {
  Receiver receiver;
  AsyncClientOptions options;
  options.may_connect = [](const IpAddress&) { return false; };
  Caller caller(options);
  for (int i = 0; i < 3; ++i) {
    caller.post(receiver.url("/"), {}, "{}", true);
    REQUIRE(caller.finish());
    CHECK(caller.results.back().second.ok());
    CHECK(code_of(caller.one(receiver.url("/"))) == ErrorCode::kForbidden);
  }
  CHECK(receiver.heard().size() == 3);
}

TEST_CASE("async client: a name that leads elsewhere the second time is asked for again",
          "[http][client][ssrf]") {
  Receiver receiver([](const Heard&, std::size_t) {
    auto reply = http::no_content();
    reply.close = true;
    return reply;
  });
  int allowed = 1;
  AsyncClientOptions options;
  options.may_connect = [&](const IpAddress& address) { return address.is_v4() && allowed-- > 0; };
  Caller caller(options);
  CHECK(caller.one(receiver.url("/", "localhost"))->status == 204);
  CHECK(code_of(caller.one(receiver.url("/", "localhost"))) == ErrorCode::kForbidden);
  CHECK(receiver.heard().size() == 1);
}

TEST_CASE("async client: what became of the address that is allowed is told, not of the one before",
          "[http][client][ssrf]") {
  BadReceiver silent(BadReceiver::Manner::kSilent);
  auto options = impatient();
  options.may_connect = [](const IpAddress& address) { return address.is_v4(); };
  Caller caller(options);
  auto url = silent.url("/");
  url.replace(url.find("127.0.0.1"), 9, "localhost");  // ::1, too
  CHECK(code_of(caller.one(url)) == ErrorCode::kDeadlineExceeded);
  CHECK(silent.connections() == 1);
}

}  // namespace
}  // namespace mx2::test
