#include <cstdlib>

#include "api/config/reader.h"
#include "optimizer/options.h"
#include "orchestrator/content.h"
#include "orchestrator/options.h"
#include "tests/catch.h"
#include "tests/support/example_config.h"
#include "tests/support/server.h"
#include "tests/support/temp_dir.h"

namespace mx2::config {
namespace {

using test::ContainsSubstring;

Document yaml(const std::string& text) { return parse_yaml(text, "f.yaml").value(); }

std::string errors_of(const std::string& text) {
  const auto read = read_options(yaml(text));
  return read.ok() ? "" : read.error().detail;
}

TEST_CASE("YAML scalars follow the core schema, quoted ones stay text", "[config]") {
  const auto value = yaml("{a: 1, b: '1', c: true, d: ~, e: 1.5, f: x, g: \"true\", h: -7}").value;
  CHECK(value ==
        json::parse(R"({"a":1,"b":"1","c":true,"d":null,"e":1.5,"f":"x","g":"true","h":-7})")
            .value());
  CHECK(yaml("").value == json::Value::object());
}

TEST_CASE("YAML: what is not finite is no number", "[config][hostile]") {
  for (const char* text : {"a: .nan", "a: .inf", "a: -.inf"}) {
    CAPTURE(text);
    CHECK_FALSE(yaml(text).value["a"].is_number());
  }
}

TEST_CASE("YAML errors have a place", "[config]") {
  CHECK(parse_yaml("a: 1\nb: [1,\n", "f").error().pointer.rfind("f:", 0) == 0);
  CHECK(parse_yaml("a: 1\na: 2\n", "f").error().pointer == "f:2:1");
  CHECK(parse_yaml("? [1]\n: 2\n", "f").error().pointer.rfind("f:1", 0) == 0);
  CHECK_FALSE(read_yaml_file("/nonexistent/x.yaml").ok());
}

TEST_CASE("YAML: one document, and nothing after it", "[config]") {
  CHECK(parse_yaml("---\na: 1\n", "f").ok());
  CHECK(parse_yaml("a: 1\n...\n", "f").ok());
  CHECK_THAT(parse_yaml("a: 1\n---\nb: 2\n", "f").error().detail, ContainsSubstring("second"));
  CHECK(parse_yaml("a: 1\n---\nb: 2\n", "f").error().pointer.rfind("f:", 0) == 0);
  CHECK_FALSE(parse_yaml(", 6u00true, .xtJ", "f").ok());  // yaml-cpp finds documents without end
}

TEST_CASE("YAML: depth and aliases that multiply are bounded", "[config][hostile]") {
  CHECK_FALSE(parse_yaml(std::string(40, '[') + std::string(40, ']'), "f").ok());
  CHECK_FALSE(parse_yaml(std::string(100000, '['), "f").ok());
  CHECK_FALSE(parse_yaml("&a [*a]", "f").ok());
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 8; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j > 0 ? "," : "") + before;
    bomb += "]\n";
  }
  CHECK_FALSE(parse_yaml(bomb, "f").ok());
}

TEST_CASE("Reader: defaults, values and bounds", "[config]") {
  const auto document = yaml("s: {port: 70000, on: maybe, list: x, text: 7}\n");
  Reader reader(document);
  std::uint16_t port = 80;
  bool on = true;
  std::vector<std::string> list;
  std::string text = "default";
  std::string absent = "kept";
  reader.integer("s.port", port, 0, 65535);
  reader.boolean("s.on", on);
  reader.texts("s.list", list);
  reader.text("s.text", text);
  reader.text("s.absent", absent);
  const auto finished = reader.finish();
  REQUIRE_FALSE(finished.ok());
  for (const char* part :
       {"s.port is 70000; must be an integer from 0 to 65535", "s.on must be true or false",
        "s.list must be a list", "s.text must be a text", "f.yaml:1:"}) {
    CHECK_THAT(finished.error().detail, ContainsSubstring(part));
  }
  CHECK(port == 80);
  CHECK(absent == "kept");
}

TEST_CASE("Reader: unknown keys with a suggestion and a place, all errors at once", "[config]") {
  const auto all = errors_of(
      "mx2:\n  prot: 1\n  threads: 0\nlogg: {level: info}\nstore: 7\n"
      "log: {level: loud}\nmx2.port: 9000\n");
  CHECK_THAT(all, ContainsSubstring("f.yaml:2:3: mx2.prot is not known; did you mean 'mx2.port'?"));
  CHECK_THAT(all, ContainsSubstring("f.yaml:3:3: mx2.threads is 0"));
  CHECK_THAT(all, ContainsSubstring("logg is not known"));
  CHECK_THAT(all, ContainsSubstring("f.yaml:7:1: mx2.port is not known"));
  CHECK_THAT(all, ContainsSubstring("store must be a section"));
  CHECK_THAT(all, ContainsSubstring("log.level is 'loud'; allowed: debug"));
}

TEST_CASE("options: defaults are good, the document must be a mapping", "[config]") {
  CHECK(errors_of("").empty());
  CHECK_THAT(errors_of("[1]"), ContainsSubstring("must be a mapping"));
  CHECK_THAT(errors_of("mx2: {path_prefix: x}"), ContainsSubstring("path_prefix"));
  CHECK_THAT(errors_of("auth: {mode: bearer}"), ContainsSubstring("bearer mode needs"));
  CHECK_THAT(errors_of("mx2: {trusted_proxies: [nonsense]}"), ContainsSubstring("nonsense"));
  CHECK_THAT(errors_of("operator: {token_file: /nonexistent}"),
             ContainsSubstring("cannot be read"));
}

TEST_CASE("options: path prefixes are one or two plain segments", "[config]") {
  CHECK(errors_of("mx2: {path_prefixes: [sandbox1, sandbox1/mep1]}").empty());
  for (const char* bad :
       {"/sandbox1", "sandbox1/", "a/b/c", "a//b", "..", "a/.", "'{x}'", "a b", "'a?b'", "''"}) {
    CAPTURE(bad);
    CHECK_THAT(errors_of(std::string("mx2: {path_prefixes: [") + bad + "]}"),
               ContainsSubstring("one or two segments"));
  }
  std::string many = "mx2: {path_prefixes: [p0";
  for (int i = 1; i < 17; ++i) many += ", p" + std::to_string(i);
  CHECK_THAT(errors_of(many + "]}"), ContainsSubstring("more than 16"));
}

TEST_CASE("options: a MEC platform needs its place, and something to register", "[config]") {
  CHECK_THAT(errors_of("mec_platform: {app_instance_id: a}"),
             ContainsSubstring("mec_platform.url is needed"));
  CHECK_THAT(errors_of("mec_platform: {app_instance_id: a, url: 'http://p'}"),
             ContainsSubstring("mec_platform.service_uri is needed"));
  CHECK_THAT(errors_of("mec_platform: {url: 'ftp://p'}"), ContainsSubstring("must begin with"));
  const std::string whole = "mec_platform: {url: 'http://p/', service_uri: 'http://m/dev_app/v1', ";
  const auto read = read_options(yaml(whole + "app_instance_id: a, service_mgmt_url: 'http://q'}"));
  REQUIRE(read.ok());
  CHECK(read->options.mec_platform.app_support_url == "http://p");
  CHECK(read->options.mec_platform.service_mgmt_url == "http://q");
  CHECK_FALSE(read_options(yaml(whole + "}"))->options.mec_platform.is_on());
  setenv("MEEP_APP_ID", "from-outside", 1);
  CHECK(read_options(yaml(whole + "}"))->options.mec_platform.app_instance_id == "from-outside");
  CHECK_FALSE(read_options(yaml(""))->options.mec_platform.is_on());
  unsetenv("MEEP_APP_ID");
}

TEST_CASE("options: who is told health and metrics", "[config]") {
  const test::TempDir directory;
  const auto file = directory.file("token");
  std::ofstream(file) << "scraper\n";
  const auto read = read_options(yaml("metrics: {token_file: " + file + ", open: [health]}"));
  REQUIRE(read.ok());
  CHECK(read->options.operator_endpoints.monitoring.token == "scraper");
  CHECK(read->options.operator_endpoints.monitoring.open == std::vector<std::string>{"health"});
  CHECK(read->effective.find("scraper") == std::string::npos);
  CHECK(read_options(yaml("metrics: {open: [metrics, health]}")).ok());
  CHECK_THAT(errors_of("metrics: {open: [metric]}"),
             ContainsSubstring("has 'metric'; allowed: health, metrics"));
  CHECK_THAT(errors_of("metrics: {token_file: " + file + ", open: [metrics, health]}"),
             ContainsSubstring("is asked of nobody"));
  // Those who told everybody go on doing so; a token alone is a contradiction there.
  const auto notifier = [](const std::string& text) {
    return read_notifier_program_options(yaml(text));
  };
  CHECK(notifier("{}")->options.monitoring.open.size() == 2);
  CHECK_FALSE(notifier("metrics: {token_file: " + file + "}").ok());
  CHECK(notifier("metrics: {token_file: " + file + ", open: []}").ok());
}

TEST_CASE("options: a secret is read from its file and printed as its path only", "[config]") {
  const test::TempDir directory;
  const auto file = directory.write("token", "s3cret\nsecond line\n");
  const auto read = read_options(yaml("operator: {token_file: " + file + "}"));
  REQUIRE(read.ok());
  CHECK(read->options.operator_endpoints.token == "s3cret");
  CHECK_THAT(read->effective, ContainsSubstring(file));
  CHECK(read->effective.find("s3cret") == std::string::npos);
}

TEST_CASE("options: the effective configuration can be read again", "[config]") {
  const auto first = read_options(yaml("mx2: {port: 0, trusted_proxies: [10.0.0.0/8]}"));
  REQUIRE(first.ok());
  const auto again = read_options(yaml(first->effective));
  REQUIRE(again.ok());
  CHECK(again->effective == first->effective);
}

TEST_CASE("options: what is printed says what each key may be", "[config]") {
  const auto read = read_options(yaml("mx2: {threads: 3}"));
  REQUIRE(read.ok());
  const auto& printed = read->effective;
  CHECK_THAT(printed, ContainsSubstring("threads: 3  # 1 to 256\n"));
  CHECK_THAT(printed, ContainsSubstring("mode: \"none\"  # none, bearer\n"));
  CHECK_THAT(printed, ContainsSubstring("scale_to_zero: true  # true, false\n"));
  CHECK_THAT(printed, ContainsSubstring("path_prefixes: []  # list of texts\n"));
  CHECK_THAT(printed, ContainsSubstring("tokens_file: \"\"  # file\n"));
}

TEST_CASE("content: the sample is read whole", "[config][content]") {
  const auto content = read_content(yaml(test::sample_content()));
  CAPTURE(content.ok() ? "" : content.error().detail);
  REQUIRE(content.ok());
  CHECK(content->apps.size() == 2);
  CHECK(content->hosts.size() == 3);
  CHECK(content->rows.size() == 3);
  CHECK(read_content(yaml(""))->apps.empty());
  CHECK(read_content(yaml("apps:\n"))->apps.empty());
}

TEST_CASE("content: errors carry file, line and column", "[config][content]") {
  const auto place = [](const char* text) { return read_content(yaml(text)).error().pointer; };
  CHECK(place("hots: []\n").rfind("f.yaml:1:", 0) == 0);
  CHECK(place("apps: 7\n").rfind("f.yaml:1:", 0) == 0);
  CHECK(place("hosts:\n  - id: a\n  - id: b c\n").rfind("f.yaml:3:", 0) == 0);
  CHECK(place("table:\n  - {ue: '*', app: a, targets: ['host:x']}\n  - {ue: x, app: a}\n")
            .rfind("f.yaml:3:", 0) == 0);
}

TEST_CASE("content: all errors are told, those of references last", "[config][content]") {
  const auto read = read_content(
      yaml("apps: [{appDId: a}, 7]\nhosts: [{id: north}]\n"
           "table:\n  - {ue: '*', app: b, targets: ['host:nort']}\n  - {ue: x, app: a}\n"));
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().pointer.rfind("f.yaml:1:", 0) == 0);
  for (const char* part :
       {"\nf.yaml:1:", "\nf.yaml:5:", "\nf.yaml:4:", "app 'b' is not in this file",
        "host 'nort' is not in this file; did you mean 'north'?"}) {
    CHECK_THAT(read.error().detail, ContainsSubstring(part));
  }
}

TEST_CASE("YAML: duplicate keys can be told one and all", "[config]") {
  std::vector<std::string> twice;
  const auto document = parse_yaml("a: 1\na: 2\nb: {c: 1, c: 2}\n", "f", &twice);
  REQUIRE(document.ok());
  CHECK(document->value == json::parse(R"({"a":1,"b":{"c":1}})").value());
  CHECK(twice == std::vector<std::string>{"f:2:1: 'a' appears twice; the first counts",
                                          "f:3:11: 'c' appears twice; the first counts"});
}

TEST_CASE("options: a file is looked for beside the file that names it", "[config]") {
  const test::TempDir directory;
  (void)directory.write("token", "s3cret\n");
  (void)directory.write("no.pem", "nothing\n");
  const auto read =
      read_options(parse_yaml("operator: {token_file: token}\nnotifier: {ca_file: no.pem}\n",
                              directory.file("o.yaml"))
                       .value());
  REQUIRE(read.ok());
  CHECK(read->options.operator_endpoints.token == "s3cret");
  CHECK(read->options.notifier.ca_file == directory.file("no.pem"));
  REQUIRE(read->problems.size() == 1);
  CHECK_THAT(read->problems.front(), ContainsSubstring("o.yaml:2:12: notifier.ca_file names "));
  CHECK_THAT(read->problems.front(), ContainsSubstring("has no certificate in PEM"));
}

TEST_CASE("config: the shipped examples have every key, with its default", "[config]") {
  using test::check_example;
  check_example("orchestrator.yaml", read_options);
  check_example("notifier.yaml", read_notifier_program_options);
  check_example("optimizer.yaml", optimizer::read_optimizer_options);
}

}  // namespace
}  // namespace mx2::config
