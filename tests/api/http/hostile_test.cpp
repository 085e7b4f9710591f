// Bytes that are no good HTTP or no good JSON: a clear answer, and everybody else is served.
#include "tests/catch.h"
#include "tests/support/contract_log.h"
#include "tests/support/samples.h"
#include "tests/support/server.h"

namespace mx2::test {
namespace {

// One server for all, which is the point.
const TestServer& server() {
  static const TestServer instance;
  return instance;
}

Response raw(const std::string& bytes) {
  Socket socket(server().mx2_port());
  socket.send(bytes);
  auto response = socket.receive();
  record({"", "", response.status, response.header("Content-Type").value_or(""), response.body});
  CHECK(server().still_serves());
  return response;
}

void check_problem(const Response& response, int status) {
  CAPTURE(response.body);
  CHECK(response.status == status);
  CHECK(response.header("Content-Type") == "application/problem+json");
  CHECK(response.json()["status"] == status);
}

std::string post(const std::string& headers, const std::string& body) {
  return "POST " + kContexts + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n" + body;
}

TEST_CASE("hostile heads are 400 and the connection is closed", "[http][hostile]") {
  const auto bytes = GENERATE(
      as<std::string>{}, "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
      "GET / HTTP/1.1 extra\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x y\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
      post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
      "\x16\x03\x01\x02\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
      "GET / HTTP/1.1\r\n: empty name\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "get / http/1.1\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", post("Content-Length: x\r\n", "{}"),
      post("Content-Length: -5\r\n", "{}"),
      post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"),
      post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
      post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
      post("Content-Length : 2\r\n", "{}"), post("Transfer-Encoding: gzip\r\n", "{}"),
      post("Content-Length: 18446744073709551616\r\n", "{}"));
  CAPTURE(bytes);
  const auto response = raw(bytes);
  check_problem(response, 400);
  CHECK(response.header("Connection") == "close");
}

TEST_CASE("a transfer coding that is not to be had is 501", "[http][hostile]") {
  check_problem(raw(post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")), 501);
}

TEST_CASE("any other method is 405 with those that there are, 404 where nothing is",
          "[http][hostile]") {
  for (const char* method : {"OPTIONS", "TRACE", "PATCH", "DELETE", "QUERY", "get", "FOO"}) {
    CAPTURE(method);
    const auto response = raw(request_text(method, kAppList, "{}"));
    check_problem(response, 405);
    CHECK(response.header("Allow") == "GET");
    CHECK(response.header("Connection") == "keep-alive");
    check_problem(raw(request_text(method, "/nothing")), 404);
  }
}

TEST_CASE("no text of the parsing library reaches a client", "[http][hostile]") {
  for (const auto& bytes : {std::string("GET / HTTP/1.1\r\nHost: x\r\nExpect: \x80\r\n\r\n"),
                            post("Content-Length: 1\r\nExpect: 5\r\n", "{"),
                            post("Transfer-Encoding: chunked\r\n", "0\r\nx\r\n\r\n")}) {
    CAPTURE(bytes);
    const auto response = raw(bytes);
    CAPTURE(response.body);
    for (const char* told : {"Pistache", "parse", "stoi", "std::", "HttpError"}) {
      CHECK(response.body.find(told) == std::string::npos);
    }
  }
}

TEST_CASE("a request smuggled behind another framing is not served", "[http][hostile]") {
  const std::string smuggled = "DELETE " + kContexts + "/x HTTP/1.1\r\nHost: x\r\n\r\n";
  Socket socket(server().mx2_port());
  socket.send(post("Content-Length: " + std::to_string(5 + smuggled.size()) +
                       "\r\nTransfer-Encoding: chunked\r\n",
                   "0\r\n\r\n" + smuggled));
  CHECK(socket.receive().status == 400);
  CHECK(socket.at_end());
}

TEST_CASE("NUL bytes and controls in the head", "[http][hostile]") {
  using namespace std::string_literals;
  for (const auto& bytes :
       {"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n"s, "GET / HTTP/1.1\r\nX: a\0b\r\nHost: x\r\n\r\n"s,
        "GET / HTTP/1.1\r\nX\0: a\r\nHost: x\r\n\r\n"s,
        "GET /dev_app/v1/app_contexts/\x01 HTTP/1.1\r\nHost: x\r\n\r\n"s,
        "GET / HTTP/1.1\r\nX: a\nContent-Length: 5\r\nHost: x\r\n\r\n"s}) {
    CAPTURE(bytes);
    check_problem(raw(bytes), 400);
  }
}

TEST_CASE("invalid UTF-8 in path and query", "[http][hostile]") {
  check_problem(raw("GET /dev_app/v1/\xFF\xFE HTTP/1.1\r\nHost: x\r\n\r\n"), 404);
  check_problem(raw(request_text("GET", kContexts + "/%FF%FE")), 404);
  CHECK(raw(request_text("GET", kAppList + "?appName=%FF%FE")).status < 500);
  check_problem(raw(request_text("GET", kAppList + "?%FF=%FE")), 400);
}

TEST_CASE("oversized heads are 414 or 431", "[http][hostile]") {
  check_problem(raw("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"), 414);
  check_problem(raw("GET " + kAppList + "?appName=" + std::string(9000, 'a')), 414);
  check_problem(raw("GET / HTTP/1.1\r\nX: " + std::string(9000, 'a') + "\r\n\r\n"), 431);
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 2000; ++i) many += "X" + std::to_string(i) + ": y\r\n";
  check_problem(raw(many + "\r\n"), 431);
}

TEST_CASE("bodies over the limit are 413", "[http][hostile]") {
  check_problem(raw(post("Content-Length: 65537\r\n", "")), 413);
  check_problem(raw(post("Content-Length: 999999999999\r\n", "")), 413);
  check_problem(raw(post("Content-Length: 100000\r\n", std::string(100000, 'x'))), 413);
  std::string chunks;
  for (int i = 0; i < 100; ++i) chunks += "400\r\n" + std::string(1024, 'x') + "\r\n";
  check_problem(raw(post("Transfer-Encoding: chunked\r\n", chunks)), 413);
  check_problem(raw(post("Transfer-Encoding: chunked\r\n", std::string(200000, 'x'))), 413);
  CHECK(raw(post("Content-Length: 65536\r\n", std::string(65536, ' '))).status == 400);
}

TEST_CASE("malformed and enormous chunk sizes", "[http][hostile]") {
  using namespace std::string_literals;
  const auto size =
      GENERATE(as<std::string>{}, "zz", "-1", "+2", "FFFFFFFFFFFFFFFF", "7FFFFFFFFFFFFFFF",
               "FFFFFFFFFFFF", "80000000", "0x", " ", "", "3 4", "3;a\rb", "3;a\0b"s, ";a");
  CAPTURE(size);
  const auto response = raw(post("Transfer-Encoding: chunked\r\n", size + "\r\nabc\r\n0\r\n\r\n"));
  CHECK((response.status == 400 || response.status == 413));
  CHECK(response.header("Connection") == "close");
}

TEST_CASE("a chunk line that ends without CR is refused", "[http][hostile]") {
  check_problem(raw(post("Transfer-Encoding: chunked\r\n", "2\n{}\r\n0\r\n\r\n")), 400);
  check_problem(raw(post("Transfer-Encoding: chunked\r\n", "2;a\n{}\r\n0\r\n\r\n")), 400);
}

TEST_CASE("a short chunk and a wrong chunk end", "[http][hostile]") {
  for (const char* body : {"2\r\n{}x\r\n0\r\n\r\n", "1\r\n{}\r\n0\r\n\r\n"}) {
    CAPTURE(body);
    check_problem(raw(post("Transfer-Encoding: chunked\r\n", body)), 400);
  }
}

std::string with_member(const std::string& text) {
  auto body = json::dump(minimal_context());
  return body.insert(1, text + ",");
}

TEST_CASE("hostile JSON is 400", "[http][hostile]") {
  using namespace std::string_literals;
  const auto body = GENERATE(
      std::string(40, '[') + std::string(40, ']'), std::string(60000, '['), std::string(60000, '{'),
      with_member("\"x\":1e999"), with_member("\"a\":1,\"a\":2"), with_member("\"x\":\"\\u0000\""),
      with_member("\"x\":\"\xFF\""), with_member("\"x\":\"\xC0\xAF\""),
      with_member("\"x\":\"\\ud800\""), with_member("\"x\":\"a\0b\""s),
      json::dump(minimal_context()) + "\0{}"s, json::dump(minimal_context()) + "{}",
      with_member("\"x\":" + std::string(400, '9')), with_member("\"x\":NaN"),
      with_member("\"x\":" + std::string(33, '[') + std::string(33, ']')));
  CAPTURE(body.substr(0, 80));
  const auto length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
  check_problem(raw(post(length, body)), 400);
}

TEST_CASE("huge numbers where numbers belong", "[http][hostile]") {
  auto client = server().mx2();
  for (const char* number : {"99999999999999999999", "-1", "1.5", "1e2", "18446744073709551615"}) {
    CAPTURE(number);
    auto text = json::dump(minimal_context());
    const std::string item = "[{}]";
    text.replace(text.find(item), item.size(),
                 R"([{"appLocation":{"countryCode":"AU","civicAddressElement":[{"caType":)" +
                     std::string(number) + R"(,"caValue":"x"}]}}])");
    CHECK(client.request("POST", kContexts, text).status == 400);
  }
}

TEST_CASE("header names in any case, values with any spacing", "[http][hostile]") {
  const auto body = json::dump(minimal_context());
  const auto length = std::to_string(body.size());
  for (const auto& headers :
       {"content-length: " + length + "\r\n", "CONTENT-LENGTH:" + length + "\r\n",
        "Content-Length: \t " + length + " \t\r\ncontent-type:text/json\r\n"}) {
    CAPTURE(headers);
    const auto status = raw(post(headers, body)).status;
    CHECK((status == 201 || status == 415));
  }
}

TEST_CASE("a correlation id comes back, a hostile one does not", "[http][hostile]") {
  auto client = server().mx2();
  const auto id = [&](const char* given) {
    return client.request("GET", kAppList, "", {{"X-Request-ID", given}}).header("X-Request-ID");
  };
  CHECK(id("abc-1.2_3") == "abc-1.2_3");
  CHECK(id("a b") != "a b");
  CHECK(id(std::string(65, 'a').c_str())->size() == 32);
  CHECK(id("<script>")->size() == 32);
}

TEST_CASE("every cut of a good request leaves the server serving", "[http][hostile]") {
  const auto text = request_text("POST", kContexts, json::dump(minimal_context()));
  for (std::size_t at = 0; at < text.size(); at += 5) {
    Socket socket(server().mx2_port());
    socket.send(text.substr(0, at));
    if (at % 2 == 0) socket.half_close();
  }
  CHECK(server().still_serves());
}

}  // namespace
}  // namespace mx2::test
