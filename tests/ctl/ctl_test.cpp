// mx2ctl's formatting: CSV both ways, aligned tables, files of rows, words for an explanation,
// completion. Its commands are tested end to end in tests/ctl/ctl_test.sh.
#include <sstream>

#include "api/csv/csv.h"
#include "api/http/http_client.h"
#include "api/operator/codec.h"
#include "ctl/command_line.h"
#include "ctl/completion.h"
#include "ctl/explanation.h"
#include "ctl/output.h"
#include "ctl/row_file.h"
#include "ctl/table_import.h"
#include "tests/catch.h"
#include "tests/support/manual_clock.h"

namespace mx2::ctl {
namespace {

using test::ContainsSubstring;

std::vector<std::vector<std::string>> read_all(const std::string& text) {
  std::istringstream in(text);
  CsvReader reader(in);
  std::vector<std::vector<std::string>> records;
  for (;;) {
    auto record = reader.next();
    REQUIRE(record.ok());
    if (!*record) return records;
    records.push_back((*record)->fields);
  }
}

std::string csv_error(const std::string& text, std::size_t& line) {
  std::istringstream in(text);
  CsvReader reader(in);
  for (;;) {
    const auto record = reader.next();
    line = reader.line();
    if (!record) return record.error().detail;
    if (!*record) return "";
  }
}

// Answers what it is told to and remembers what it was sent.
class ScriptedClient final : public http::Client {
 public:
  Result<http::Reply> send(const std::string& method, const std::string& url,
                           const http::Headers& /*headers*/, const std::string& body) override {
    calls.push_back(method + " " + url);
    bodies.push_back(body);
    if (replies.empty()) return http::json_reply(200, "{}");
    auto reply = replies.front();
    replies.erase(replies.begin());
    return reply;
  }

  std::vector<std::string> calls;
  std::vector<std::string> bodies;
  std::vector<Result<http::Reply>> replies;
};

Result<std::uint64_t> import_csv(http::Client& http, const std::string& text, std::size_t batch) {
  OperatorClient server(http, "http://peer/");
  std::istringstream in(text);
  std::ostringstream err;
  const ManualClock clock;
  const auto rows = make_row_reader(FileFormat::kCsv, in, "rows.csv");
  Progress progress(err, ProgressStyle::kNone, clock, 0);
  return TableImport(server, *rows, "rows.csv", batch, progress).run();
}

const char* const kThreeRows =
    "ue,app,targets\n"
    "*,a,host:x\n"
    "dev:1,a,host:x\n"
    "dev:2,a,host:x\n";

}  // namespace

TEST_CASE("CSV: what is written is read back", "[ctl]") {
  const std::vector<std::string> fields{"plain", "",      "a,b",    "say \"hi\"", "two\nlines",
                                        " edge", "edge ", "\ttab",  "a\r\nb",     "\"",
                                        "naïve", "日本",  "in ner", "\r",         ",,"};
  const auto line = csv_line(fields);
  CHECK(read_all(line + line) == std::vector{fields, fields});
}

TEST_CASE("CSV: quotes only where they are needed", "[ctl]") {
  CHECK(csv_line({"a", "", "b c"}) == "a,,b c\n");
  CHECK(csv_line({"a,b", "c\"d"}) == "\"a,b\",\"c\"\"d\"\n");
  CHECK(csv_line({""}) == "\"\"\n");
}

TEST_CASE("CSV: line ends, blank lines, byte order mark, no last line end", "[ctl]") {
  using Records = std::vector<std::vector<std::string>>;
  CHECK(read_all("a,b\r\n\r\n  \nc,d") == Records{{"a", "b"}, {"c", "d"}});
  CHECK(read_all("\xEF\xBB\xBF"
                 "a,b\n") == Records{{"a", "b"}});
  CHECK(read_all(" a ,\" b \"\r\n") == Records{{" a ", " b "}});
  CHECK(read_all(",\n") == Records{{"", ""}});
  CHECK(read_all("").empty());
}

TEST_CASE("CSV: errors name the line", "[ctl]") {
  std::size_t line = 0;
  CHECK_THAT(csv_error("a\nb\"c\n", line), ContainsSubstring("quote"));
  CHECK(line == 2);
  CHECK_THAT(csv_error("a\n\"two\nlines\"\n\"x\"y\n", line), ContainsSubstring("quote"));
  CHECK(line == 4);
  CHECK_THAT(csv_error("a\nb,\"never\nends\n", line), ContainsSubstring("no end"));
  CHECK(line == 2);
}

TEST_CASE("CSV: a missing quote does not swallow the file", "[ctl]") {
  std::string text = "a\n\"";
  for (int i = 0; i < 200000; ++i) text += "0123456789\n";
  std::size_t line = 0;
  CHECK_THAT(csv_error(text, line), ContainsSubstring("1 MiB"));
  CHECK(line == 2);
  CHECK_THAT(csv_error("a\n" + std::string(3U << 20U, 'x'), line), ContainsSubstring("1 MiB"));
  CHECK(line == 2);
}

TEST_CASE("Display width counts terminal columns", "[ctl]") {
  CHECK(display_width("") == 0);
  CHECK(display_width("abc") == 3);
  CHECK(display_width("naïve") == 5);
  CHECK(display_width("e\xCC\x81") == 1);  // e and a combining acute accent
  CHECK(display_width("日本") == 4);
  CHECK(display_width("🚗") == 2);
  CHECK(display_width("\xFF") == 1);
  CHECK(display_width("\xE2\x82") == 1);  // cut short
}

TEST_CASE("Tables are aligned, without spaces at line ends", "[ctl]") {
  std::ostringstream out;
  write_table(out, {{{"ID", "N", "NAME"}, {"日本", "7", "x"}, {"a", "1234", ""}}, {false, true}});
  CHECK(out.str() ==
        "ID       N  NAME\n"
        "日本     7  x\n"
        "a     1234  -\n");
}

TEST_CASE("Tables show control characters instead of obeying them", "[ctl]") {
  CHECK(printable("a\nb\x1b[31m\x7f") == "a\\nb\\x1b[31m\\x7f");
}

TEST_CASE("Lists as table, JSON and CSV", "[ctl]") {
  const std::vector<Column> columns{member("id", "ID"), member("n", "N", true)};
  const auto print = [&](Format format, const std::vector<json::Value>& items) {
    std::ostringstream out;
    const auto writer = make_list_writer(format, out, columns);
    for (const auto& item : items) writer->add(item);
    writer->finish();
    return out.str();
  };
  const std::vector<json::Value> items{{{"id", "a,b"}, {"n", 7}}, {{"id", "c"}}};
  CHECK(print(Format::kTable, items) == "ID   N\na,b  7\nc    -\n");
  CHECK(print(Format::kCsv, items) == "id,n\n\"a,b\",7\nc,\n");
  CHECK(*json::parse(print(Format::kJson, items)) == json::Value(items));
  CHECK(print(Format::kJson, {}) == "[]\n");
  CHECK(print(Format::kTable, {}) == "ID  N\n");
}

TEST_CASE("Members as text", "[ctl]") {
  CHECK(text_of(json::Value{"a", "b"}) == "a b");
  CHECK(text_of(json::Value{{"tier", "cloud"}, {"x", "y"}}) == "tier=cloud x=y");
  CHECK(text_of(true) == "yes");
  CHECK(text_of(12) == "12");
  CHECK(text_of(json::Value{{"n", 1}}) == "{\"n\":1}");
}

TEST_CASE("Rows survive a file of either format", "[ctl]") {
  const json::Value row{{"ue", "dev: odd, \"id\" "},
                        {"app", "app, one"},
                        {"targets", {"host:a,b", "endpoint:http://x/"}},
                        {"writer", "optimizer"},
                        {"reason", " why?\n\"because\", she said\r\n"},
                        {"version", 7},
                        {"updated", "2026-01-01T00:00:00.000Z"}};
  for (const auto format : {FileFormat::kCsv, FileFormat::kNdjson}) {
    const auto text = file_header(format) + file_row(format, row);
    std::istringstream in(text);
    const auto reader = make_row_reader(format, in, "rows");
    const auto read = reader->next();
    REQUIRE(read.ok());
    REQUIRE(*read);
    const auto back = *json::parse(codec::encode_table_change((*read)->change));
    auto expected = row;
    expected.erase("version");
    expected.erase("updated");
    CHECK(back == expected);
    CHECK(file_header(format) + file_row(format, back) == text);
  }
}

TEST_CASE("A bad line of a row file is named", "[ctl]") {
  const auto first_error = [](FileFormat format, const std::string& text) {
    std::istringstream in(text);
    const auto reader = make_row_reader(format, in, "f");
    for (;;) {
      const auto row = reader->next();
      if (!row) return row.error().pointer + ": " + row.error().detail;
      if (!*row) return std::string();
    }
  };
  const auto csv = [&](const std::string& text) { return first_error(FileFormat::kCsv, text); };
  CHECK_THAT(csv(""), ContainsSubstring("f:1: is empty"));
  CHECK_THAT(csv("ue,ap,targets\n"), ContainsSubstring("f:1: unknown column 'ap'"));
  CHECK_THAT(csv("ue,app\n"), ContainsSubstring("f:1: column 'targets' is missing"));
  CHECK_THAT(csv("ue,app,app,targets\n"), ContainsSubstring("twice"));
  CHECK_THAT(csv("ue,app,targets\n*,a\n"), ContainsSubstring("f:2: has 2 fields, the header 3"));
  CHECK_THAT(csv("ue,app,targets\n\n*,a,host:x\nx,a,host:x\n"), ContainsSubstring("f:4: ue: "));
  CHECK_THAT(csv("ue,app,targets\n*,a,\n"), ContainsSubstring("f:2: targets: "));
  CHECK_THAT(first_error(FileFormat::kNdjson, "\n{\"ue\":\"*\"\n"), ContainsSubstring("f:2: "));
  CHECK(csv("targets,ue,app\nhost:x  host:y,*,a\n").empty());
}

TEST_CASE("Import sends batches and counts what was applied", "[ctl]") {
  ScriptedClient http;
  const auto rows = import_csv(http, kThreeRows, 2);
  REQUIRE(rows.ok());
  CHECK(*rows == 3);
  CHECK(http.calls == std::vector<std::string>(2, "PATCH http://peer/operator/v1/table"));
}

TEST_CASE("Import: of two lines for one row the later counts", "[ctl]") {
  ScriptedClient http;
  REQUIRE(
      import_csv(http, "ue,app,targets\nip:10.0.0.1/32,a,host:x\nip:10.0.0.1,a,host:y\n", 9).ok());
  REQUIRE(http.bodies.size() == 1);
  CHECK_THAT(http.bodies[0], ContainsSubstring("host:y"));
  CHECK_THAT(http.bodies[0], !ContainsSubstring("host:x"));
}

TEST_CASE("Import: a refusal leads back to the line of the file", "[ctl]") {
  const auto refused = [](const std::string& detail) {
    ScriptedClient http;
    http.replies.emplace_back(http::json_reply(200, "{}"));
    http.replies.emplace_back(http::json_reply(400, json::dump({{"detail", detail}})));
    const auto rows = import_csv(http, kThreeRows, 2);
    REQUIRE_FALSE(rows.ok());
    return rows.error().pointer + ": " + rows.error().detail;
  };
  CHECK_THAT(refused("line 1 /ue: bad"), ContainsSubstring("rows.csv:4: line 1 /ue: bad (2 rows"));
  CHECK_THAT(refused("row (dev:2, a): no host"), ContainsSubstring("rows.csv:4: "));
  CHECK_THAT(refused("no space left"), ContainsSubstring("rows.csv:4-4: no space left"));
}

TEST_CASE("Import: a server that is gone leaves the last batch in doubt", "[ctl]") {
  ScriptedClient http;
  http.replies.emplace_back(Error{ErrorCode::kUnavailable, "gone", {}, http::kUnreachable, {}, 0});
  const auto rows = import_csv(http, kThreeRows, 2);
  REQUIRE_FALSE(rows.ok());
  CHECK(exit_status_of(rows.error()) == kExitUnreachable);
  CHECK_THAT(rows.error().detail, ContainsSubstring("0 rows were applied before"));
}

TEST_CASE("Lists follow the cursor and stop at the limit", "[ctl]") {
  const auto page = [](const char* text) { return http::json_reply(200, text); };
  const auto list = [&](ScriptedClient& http, std::size_t limit) {
    OperatorClient server(http, "http://peer");
    std::string seen;
    const auto done =
        server.list("/hosts", {{"app", "a&b"}, {"host", ""}}, limit, [&](const json::Value& item) {
          seen += item.get<std::string>();
          return true;
        });
    return done ? seen : done.error().detail;
  };
  ScriptedClient all;
  all.replies = {page(R"({"items":["a","b"],"next":"x\ny"})"), page(R"({"items":["c"]})")};
  CHECK(list(all, 0) == "abc");
  CHECK(all.calls[1] == "GET http://peer/operator/v1/hosts?app=a%26b&limit=1000&cursor=x%0Ay");
  ScriptedClient some;
  some.replies = {page(R"({"items":["a","b"],"next":"b"})")};
  CHECK(list(some, 2) == "ab");
  ScriptedClient other;
  other.replies = {http::Reply{502, "text/html", "<html>", {}, false}};
  CHECK_THAT(list(other, 0), ContainsSubstring("is http://peer/operator/v1 an operator API?"));
}

TEST_CASE("Progress in words", "[ctl]") {
  CHECK(progress_text(12000, 3000, 25, 100) == "12000 rows  4000 rows/s  25 %  ETA 9 s");
  CHECK(progress_text(5, 0, 0, 0) == "5 rows  5000 rows/s");
  CHECK(progress_text(1, 1000, 1, 1000) == "1 rows  1 rows/s  0 %  ETA 17 min");
}

TEST_CASE("An explanation in words", "[ctl]") {
  const auto words = [](const char* text) { return explain_in_words(*json::parse(text)); };
  CHECK_THAT(words(R"({"app":"a","associateDevAppId":"car","ip":"10.0.0.1","found":true,
                       "host":"h2","referenceURI":"http://h2","steps":[
                       {"ue":"dev:car","target":"host:h1","verdict":"host is down"},
                       {"ue":"ip:10.0.0.0/8","target":"host:h1","verdict":"host is down"},
                       {"ue":"ip:10.0.0.0/8","target":"host:h2","verdict":"chosen"}]})"),
             ContainsSubstring("a for device car at 10.0.0.1 goes to host h2 (http://h2).\n"
                               "Row ip:10.0.0.0/8 decides, by its target number 2"));
  CHECK_THAT(words(R"({"app":"a","found":false,"steps":[]})"), ContainsSubstring("it has no row"));
  CHECK_THAT(words(R"({"app":"a","found":false,"steps":[{"ue":"*","target":"host:x",
                       "verdict":"host is down"}]})"),
             ContainsSubstring("no target of its rows can"));
}

// What `mx2ctl ARGUMENTS` prints, and its exit status.
struct Ran {
  Result<int> status = 0;
  std::string out;
};

Ran run_ctl(ScriptedClient& http, std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "mx2ctl");
  CommandLine command_line;
  command_line.parse(static_cast<int>(arguments.size()), arguments.data());
  OperatorClient server(http, "http://peer");
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in;
  Session session{server, command_line.format(), out, err, in};
  Ran ran;
  ran.status = command_line.command()(session);
  ran.out = out.str();
  return ran;
}

TEST_CASE("Optimizer: the orchestrator says where the one that leads is", "[ctl]") {
  ScriptedClient http;
  http.replies = {http::json_reply(200, R"({"holder":"h","url":"http://opt:8082/"})"),
                  http::json_reply(200, R"({"status":"ok","leading":true,"nextMs":70,
                    "lastPlan":{"rows":3,"latencyMeanMs":{"before":3.5,"after":2.25}}})")};
  const auto ran = run_ctl(http, {"optimizer", "status"});
  REQUIRE(ran.status.ok());
  CHECK(http.calls == std::vector<std::string>{"GET http://peer/operator/v1/optimizer",
                                               "GET http://opt:8082/status"});
  CHECK_THAT(ran.out, ContainsSubstring("3.50 -> 2.25"));
  CHECK_THAT(ran.out, ContainsSubstring("NEXT PLAN IN MS"));
}

TEST_CASE("Optimizer: without one that leads, an address is needed", "[ctl]") {
  ScriptedClient http;
  http.replies = {http::json_reply(404, R"({"detail":"nobody"})")};
  CHECK_THAT(run_ctl(http, {"optimizer", "pause"}).status.error().detail,
             ContainsSubstring("--optimizer-url"));
  http.calls.clear();
  CHECK(run_ctl(http, {"optimizer", "--optimizer-url", "http://o", "pause"}).status.ok());
  CHECK(run_ctl(http, {"optimizer", "resume", "--optimizer-url", "http://o"}).status.ok());
  CHECK(run_ctl(http, {"optimizer", "plan", "--optimizer-url", "http://o"}).status.ok());
  CHECK(
      run_ctl(http, {"optimizer", "plan", "--dry-run", "--optimizer-url", "http://o"}).status.ok());
  CHECK(http.calls == std::vector<std::string>{"POST http://o/pause", "POST http://o/resume",
                                               "POST http://o/plan",
                                               "GET http://o/plan?dry_run=true"});
}

TEST_CASE("Optimizer: an explanation is a table and a sentence", "[ctl]") {
  ScriptedClient http;
  const auto* const document = R"({"chosen":"b","reason":"b costs least","candidates":[
    {"host":"b","chosen":true,"verdict":"feasible","totalMs":7.0,"latencyMs":5,"lateMs":0,
     "offTreeMs":0,"congestionMs":0,"migrationMs":2},
    {"host":"c","chosen":false,"verdict":"is down"}]})";
  http.replies = {http::json_reply(200, document), http::json_reply(200, R"({"chosen":""})")};
  const auto ran =
      run_ctl(http, {"optimizer", "explain", "car 1", "app", "--optimizer-url", "http://o"});
  CHECK(ran.status.ok());
  CHECK(http.calls[0] == "GET http://o/explain?ue=car%201&app=app");
  CHECK_THAT(ran.out, ContainsSubstring("*  b     feasible      7.00"));
  CHECK_THAT(ran.out, ContainsSubstring("is down"));
  CHECK_THAT(ran.out, ContainsSubstring("b costs least"));
  CHECK(
      *run_ctl(http, {"optimizer", "explain", "x", "app", "--optimizer-url", "http://o"}).status ==
      kExitRefused);
}

TEST_CASE("Completion knows every command, option and choice", "[ctl]") {
  CommandLine command_line;
  const auto nodes = completion_nodes(command_line.app());
  std::vector<std::string> paths;
  for (const auto& node : nodes) paths.push_back(node.path);
  for (const auto* path : {"/hosts/cordon", "/apps/put", "/packages/onboard", "/table/import",
                           "/contexts/delete", "/explain", "/optimizer/explain", "/completion"}) {
    CHECK(std::find(paths.begin(), paths.end(), path) != paths.end());
  }
  for (const auto* shell : {"bash", "zsh", "fish"}) {
    const auto script = completion_script(command_line.app(), shell);
    CHECK_THAT(script, ContainsSubstring("uncordon"));
    CHECK_THAT(script, ContainsSubstring("csv ndjson"));
    CHECK_THAT(script, ContainsSubstring("token-file"));
  }
}

}  // namespace mx2::ctl
