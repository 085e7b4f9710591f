#include "api/http/head.h"

#include "tests/catch.h"

namespace mx2::http {
namespace {

using namespace std::string_literals;
using test::ContainsSubstring;

std::string post(const std::string& lines, const std::string& version = "1.1") {
  return "POST /x?y HTTP/" + version + "\r\n" + lines + "\r\n";
}

std::string with_host(const std::string& lines) { return post("Host: h\r\n" + lines); }

TEST_CASE("prepare_head finds target, length and headers, and tells Pistache what frames",
          "[head]") {
  const auto prepared = prepare_head(
      post("Host: h\r\ncontent-length: 12\r\nAccept: a/b/c\r\nExpect: 100-continue\r\n"));
  REQUIRE(prepared.ok());
  CHECK(prepared->target == "/x?y");
  CHECK(prepared->content_length == 12);
  CHECK(prepared->unsupported.empty());
  CHECK(prepared->headers == Headers{{"Host", "h"},
                                     {"content-length", "12"},
                                     {"Accept", "a/b/c"},
                                     {"Expect", "100-continue"}});
  CHECK(prepared->text ==
        "POST /x?y HTTP/1.1\r\ncontent-length: 12\r\nExpect: 100-continue\r\n\r\n");
}

TEST_CASE("prepare_head refuses what frames a message in two ways", "[head][hostile]") {
  const auto bad =
      GENERATE(as<std::string>{}, "Content-Length: 1\r\nContent-Length: 2\r\n",
               "Content-Length: 1\r\nContent-Length: 1\r\n", "Content-Length: -1\r\n",
               "Content-Length: 1, 1\r\n", "Content-Length: \r\n", "Content-Length: 0x10\r\n",
               "Content-Length: +5\r\n", "Content-Length: 18446744073709551616\r\n",
               "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
               "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "Content-Length : 5\r\n",
               " Content-Length: 5\r\n", "Transfer-Encoding : chunked\r\n",
               "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
               "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
               "Transfer-Encoding: chunked, chunked\r\n", "Transfer-Encoding: chunked, gzip\r\n",
               "Transfer-Encoding: identity\r\n", "Transfer-Encoding: \r\n",
               "Transfer-Encoding: xchunked\r\n");
  CAPTURE(bad);
  CHECK(prepare_head(with_host("")).ok());
  CHECK_FALSE(prepare_head(with_host(bad)).ok());
}

TEST_CASE("prepare_head: HTTP/1.0 has no transfer codings", "[head][hostile]") {
  CHECK(prepare_head(with_host("Transfer-Encoding: Chunked\r\n")).ok());
  CHECK_FALSE(prepare_head(post("Transfer-Encoding: chunked\r\n", "1.0")).ok());
}

TEST_CASE("prepare_head refuses malformed lines", "[head][hostile]") {
  const auto bad =
      GENERATE(as<std::string>{}, "no colon\r\n", ": no name\r\n", "X: y\r\n folded: line\r\n",
               "X: y\r\n\tfolded\r\n", "X(: y\r\n", "X\0: y\r\n"s, "X: a\0b\r\n"s, "X: a\rb\r\n",
               "X: a\nb\r\n", "X: a\nContent-Length: 5\r\n", "X: a\x7f\r\n", "X: \x01\r\n");
  CAPTURE(bad);
  CHECK_FALSE(prepare_head(with_host(bad)).ok());
}

TEST_CASE("prepare_head takes tabs and bytes beyond ASCII in values", "[head]") {
  CHECK(prepare_head(with_host("X: a\tb\r\nY: \xC3\xA4\r\nZ:\r\n")).ok());
}

TEST_CASE("prepare_head refuses malformed request lines", "[head][hostile]") {
  const auto line =
      GENERATE(as<std::string>{}, "GET", "GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 x", "",
               "G(T / HTTP/1.1", "GET /\x01 HTTP/1.1", "GET /\rx HTTP/1.1", "GET /\0 HTTP/1.1"s,
               "GET / HTTP/9.9", "GET / http/1.1", "GET / HTTP/1.1\r", "GET / HTTP/1.10");
  CAPTURE(line);
  CHECK_FALSE(prepare_head(line + "\r\nHost: h\r\n\r\n").ok());
}

TEST_CASE("prepare_head: an HTTP/1.1 request has one Host, HTTP/1.0 may have one",
          "[head][hostile]") {
  CHECK_FALSE(prepare_head(post("")).ok());
  CHECK(prepare_head(post("", "1.0")).ok());
  for (const char* version : {"1.0", "1.1"}) {
    CAPTURE(version);
    CHECK(prepare_head(post("hOST: a\r\n", version)).ok());
    CHECK_FALSE(prepare_head(post("Host: a\r\nHost: a\r\n", version)).ok());
    CHECK_FALSE(prepare_head(post("Host: a\r\nhost: b\r\n", version)).ok());
    CHECK_FALSE(prepare_head(post("Host: a b\r\n", version)).ok());
  }
}

TEST_CASE("prepare_head knows a host when it sees one", "[head][hostile]") {
  for (const char* good : {"", "a", "a.b-c_d~e", "a:", "a:80", "127.0.0.1:65535", "[::1]",
                           "[2001:db8::1]:8080", "a%20b", "xn--bcher-kva.example", "[::1]:"}) {
    CAPTURE(good);
    CHECK(prepare_head(post("Host: "s + good + "\r\n")).ok());
  }
  for (const char* bad :
       {"a:b", "a:65536", "a:-1", "a:1:2", ":80", "a/b", "a?b", "a#b", "user@a", "a,b c", "[::1",
        "[::1]x", "[]", "[a]", "::1", "a\\b", "http://a", "[::1]:x"}) {
    CAPTURE(bad);
    CHECK_FALSE(prepare_head(post("Host: "s + bad + "\r\n")).ok());
  }
}

TEST_CASE("prepare_head: what is well formed and not to be had", "[head]") {
  const auto query = prepare_head("QUERY / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(query->method == "QUERY");
  CHECK(query->text == "GET / HTTP/1.1\r\n\r\n");
  CHECK(query->unsupported.empty());
  CHECK(prepare_head(with_host(""))->text.starts_with("POST /x?y "));
  CHECK_FALSE(prepare_head(with_host("Transfer-Encoding: gzip, chunked\r\n"))->unsupported.empty());
}

TEST_CASE("prepare_head: whether the connection stays", "[head]") {
  const auto stays = [](const char* option, const char* version) {
    return prepare_head(post("Host: h\r\nConnection: "s + option + "\r\n", version))->keep_alive;
  };
  CHECK(prepare_head(with_host(""))->keep_alive);
  CHECK_FALSE(prepare_head(post("Host: h\r\n", "1.0"))->keep_alive);
  CHECK(stays("keep-alive", "1.1"));
  CHECK_FALSE(stays("Close", "1.1"));
  CHECK_FALSE(stays("TE, close", "1.1"));
  CHECK(stays("TE, Keep-Alive", "1.0"));
  CHECK_FALSE(stays("keep-alive, close", "1.0"));
}

}  // namespace
}  // namespace mx2::http
