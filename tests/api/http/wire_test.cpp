#include "api/http/wire.h"

#include "api/http/http.h"
#include "api/http/problem.h"
#include "api/http/query.h"
#include "tests/catch.h"

namespace mx2::http {
namespace {

using test::ContainsSubstring;

TEST_CASE("strip_authority leaves the path of an absolute form (item 17)", "[wire]") {
  CHECK(strip_authority("http://host:1/path?x") == "/path?x");
  CHECK(strip_authority("http://host") == "/");
  CHECK(strip_authority("/path?u=http://x/y") == "/path?u=http://x/y");
  CHECK(strip_authority("*") == "*");
}

TEST_CASE("serialise: 204 has neither length nor type (item 7)", "[wire]") {
  const auto text = serialise(no_content(), false, false);
  CHECK(text.rfind("HTTP/1.1 204 No Content\r\n", 0) == 0);
  CHECK(text.find("Content-Length") == std::string::npos);
  CHECK(text.find("Content-Type") == std::string::npos);
  CHECK(text.substr(text.size() - 4) == "\r\n\r\n");
}

TEST_CASE("serialise: length, keep-alive and extra headers", "[wire]") {
  auto reply = json_reply(201, "{}");
  reply.headers.emplace_back("Location", "/a");
  const auto text = serialise(reply, false, false);
  for (const char* part : {"Content-Type: application/json\r\n", "Location: /a\r\n",
                           "Content-Length: 2\r\n", "Connection: keep-alive\r\n", "\r\n\r\n{}"}) {
    CHECK_THAT(text, ContainsSubstring(part));
  }
  CHECK_THAT(serialise(reply, true, false), ContainsSubstring("Connection: close\r\n"));
  const auto head = serialise(reply, false, true);
  CHECK_THAT(head, ContainsSubstring("Content-Length: 2\r\n"));
  CHECK(head.substr(head.size() - 4) == "\r\n\r\n");
}

TEST_CASE("problem_reply always has status and detail (item 5)", "[wire]") {
  const auto reply = problem_reply(invalid_argument("is missing", "/appInfo"));
  CHECK(reply.status == 400);
  CHECK(reply.content_type == "application/problem+json");
  CHECK_THAT(reply.body, ContainsSubstring(R"("status":400)"));
  CHECK_THAT(reply.body, ContainsSubstring(R"("detail":"/appInfo: is missing")"));
  const auto hidden = problem_reply(internal("secret cause"));
  CHECK(hidden.status == 500);
  CHECK(hidden.body.find("secret") == std::string::npos);
}

TEST_CASE("status and code are inverse for every error", "[wire]") {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const auto error = static_cast<ErrorCode>(code);
    CHECK(code_of(status_of(error)) == error);
    CHECK(std::string(reason_phrase(status_of(error))) != "");
  }
}

TEST_CASE("a responder that is dropped answers 500", "[wire]") {
  struct Probe final : Responder::Sink {
    explicit Probe(int& out) : status(out) {}
    void send(Reply reply) noexcept override { status = reply.status; }
    int& status;
  };
  int status = 0;
  { const Responder dropped(std::make_unique<Probe>(status)); }
  CHECK(status == 500);
}

TEST_CASE("parse_query splits on raw commas before decoding (item 31)", "[query]") {
  const auto parameters = parse_query("a=1,2%2C3&b=x+y&a=4&c");
  REQUIRE(parameters.ok());
  REQUIRE(parameters->size() == 4);
  CHECK((*parameters)[0].values == std::vector<std::string>{"1", "2,3"});
  CHECK((*parameters)[1].values == std::vector<std::string>{"x y"});
  CHECK((*parameters)[2].name == "a");
  CHECK((*parameters)[3].values == std::vector<std::string>{""});
  CHECK(parse_query("")->empty());
  CHECK(parse_query("&&")->empty());
}

TEST_CASE("parse_query refuses malformed escapes", "[query][hostile]") {
  for (const char* bad : {"a=%", "a=%zz", "%0=1", "a=%00"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_query(bad).ok());
  }
}

TEST_CASE("SingleValued refuses unknown and repeated names, with a suggestion", "[query]") {
  CHECK_THAT(SingleValued::parse("limt=3", {"limit", "cursor"}).error().detail,
             ContainsSubstring("did you mean 'limit'"));
  CHECK_FALSE(SingleValued::parse("limit=3&limit=4", {"limit"}).ok());
  const auto query = SingleValued::parse("limit=3&cursor=a,b", {"limit", "cursor"});
  REQUIRE(query.ok());
  CHECK(query->text("cursor") == "a,b");
  CHECK(query->text("other").empty());
  CHECK(*query->number("limit", 9, 1, 10) == 3);
  CHECK(*query->number("other", 9, 1, 10) == 9);
  CHECK_FALSE(query->number("limit", 9, 4, 10).ok());
  CHECK_FALSE(query->number("cursor", 9, 1, 10).ok());
  CHECK_FALSE(SingleValued::parse("limit=", {"limit"})->number("limit", 9, 1, 10).ok());
}

TEST_CASE("Request::header looks up without regard to case", "[wire]") {
  Request request;
  request.headers = {{"content-type", "a"}, {"X", "1"}};
  CHECK(request.header("Content-Type") == "a");
  CHECK_FALSE(request.header("Y"));
}

}  // namespace
}  // namespace mx2::http
