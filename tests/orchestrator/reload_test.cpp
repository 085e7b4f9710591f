// What of a configuration that is read again differs from the one that runs. SIGHUP itself is
// tested with the program, in tests/ctl/upkeep.sh.
#include "orchestrator/reload.h"

#include "tests/catch.h"
#include "tests/support/temp_dir.h"

namespace mx2 {
namespace {

config::Loaded<OrchestratorOptions> loaded(const std::string& yaml) {
  return read_options(config::parse_yaml(yaml, "orchestrator.yaml").value()).value();
}

TEST_CASE("reload: keys that differ, secrets by what their files say", "[reload]") {
  test::TempDir files;
  const auto token = files.write("token", "one\n");
  const auto with_token = "operator: {token_file: '" + token + "'}\n";
  const auto running = loaded(with_token);
  CHECK(changed_keys(running, loaded(with_token)).empty());
  // The default, said.
  CHECK(changed_keys(running, loaded(with_token + "log: {level: info}\n")).empty());
  CHECK(changed_keys(running, loaded(with_token + "log: {level: debug}\nmx2: {port: 81}\n" +
                                     "notifier: {allow: [10.0.0.0/8]}\n")) ==
        std::vector<std::string>{"log.level", "mx2.port", "notifier.allow"});
  static_cast<void>(files.write("token", "two\n"));
  CHECK(changed_keys(running, loaded(with_token)) ==
        std::vector<std::string>{"operator.token_file"});
  const auto scraped = "metrics: {token_file: '" + files.file("scraper") + "'}\n";
  static_cast<void>(files.write("scraper", "one\n"));
  const auto watched = loaded(scraped);
  static_cast<void>(files.write("scraper", "two\n"));
  CHECK(changed_keys(watched, loaded(scraped)) == std::vector<std::string>{"metrics.token_file"});
  CHECK(changed_keys(running, loaded("{}")) == std::vector<std::string>{"operator.token_file"});
}

TEST_CASE("reload: which keys are in force at once", "[reload]") {
  for (const auto* key :
       {"log.level", "auth.jwt_issuer", "operator.token_file", "notifier.allow",
        "limits.contexts_max", "limits.page_max", "mx2.trusted_proxies", "mx2.forwarded_header"}) {
    CAPTURE(key);
    CHECK(is_live(key));
  }
  for (const auto* key : {"mx2.port", "operator.port", "store.path", "notifier.enabled",
                          "limits.changes_max", "logs.level", "content"}) {
    CAPTURE(key);
    CHECK_FALSE(is_live(key));
  }
}

}  // namespace
}  // namespace mx2
