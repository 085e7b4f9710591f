// What is stored and breaks the rules of today, or cannot be read at all.
#include <SQLiteCpp/SQLiteCpp.h>

#include "api/config/yaml.h"
#include "api/json/form.h"
#include "api/operator/codec.h"
#include "tests/support/program.h"

namespace mx2 {
namespace {

using test::apply;
using test::ContainsSubstring;
using test::Program;
using test::sample_app;
using test::sample_host;
using test::sample_row;
using test::StoreInDir;

json::Value many_labels(std::size_t count) {
  auto labels = json::Value::object();
  for (std::size_t i = 0; i < count; ++i) labels["l" + std::to_string(i)] = "x";
  return labels;
}

void spoil(const StoreInDir& files, const std::string& sql) {
  SQLite::Database db(files.options.path, SQLite::OPEN_READWRITE);
  REQUIRE(db.exec(sql) > 0);
}

std::vector<std::string> set_aside(Store& store) {
  std::vector<std::string> all;
  for (const auto& item : store.set_aside().list()) all.push_back(item.kind + " " + item.id);
  return all;
}

TEST_CASE("stored documents: bounds and duplicates of requests do not count", "[store][codec]") {
  auto host = codec::to_json(sample_host("north", {"a", "a"}));
  host["labels"] = many_labels(100);
  host["name"] = std::string(5000, 'n');
  host["colour"] = "of a release that knew it";
  CHECK_FALSE(codec::decode_host(host).ok());
  const auto read = codec::decode_stored_host(host);
  REQUIRE(read.ok());
  CHECK(read->labels.size() == 100);
  CHECK(read->instances.size() == 2);
  auto app = codec::to_json(sample_app());
  app["appDescription"] = std::string(500, 'd');
  app["subjects"] = std::vector<std::string>(10001, "s");
  app["appLocation"] = std::vector<json::Value>(300, json::Value{{"countryCode", "AUS"}});
  CHECK_FALSE(codec::decode_app(app).ok());
  CHECK(codec::decode_stored_app(app)->info.app_location.size() == 300);
  auto change = sample_row("*", "a", std::vector<std::string>(17, "host:n"));
  change.row.reason = std::string(1000, 'r');
  const auto lines = codec::encode_table_patch({change, change});
  CHECK_FALSE(codec::decode_table_patch(lines, 2).ok());
  CHECK(codec::decode_stored_patch(lines)->size() == 2);
}

TEST_CASE("stored documents: a context whose address is longer than a client's would be",
          "[store][codec]") {
  auto body = test::minimal_context(std::string(300, 'd'));
  body["callbackReference"] = "";
  body["appInfo"]["userAppInstanceInfo"] = std::vector<json::Value>(
      20, json::Value{{"appInstanceId", "i"}, {"referenceURI", std::string(6000, 'u')}});
  CHECK_FALSE(codec::decode_app_context(json::dump(body)).ok());
  CHECK(codec::decode_stored_context(json::dump(body)).ok());
  body["appInfo"]["userAppInstanceInfo"] = json::Value::array();
  CHECK_FALSE(codec::decode_stored_context(json::dump(body)).ok());
}

TEST_CASE("stored documents: one of a newer form is not half understood", "[store][codec]") {
  auto host = json::with_form(codec::to_json(sample_host("north", {})));
  CHECK(codec::decode_stored_host(host).ok());
  host["form"] = json::kForm + 1;
  CHECK_THAT(codec::decode_stored_host(host).error().detail, ContainsSubstring("newer"));
}

TEST_CASE("stored documents: what cannot be read is set aside, and the others are loaded",
          "[store]") {
  Program program;
  program.stop();
  spoil(program.files,
        "INSERT INTO hosts VALUES ('broken', '{\"id\":'), ('alias', '{\"id\":\"x\"}')");
  spoil(program.files, "INSERT INTO apps VALUES ('b', '{\"appDId\":\"b\"}')");
  spoil(program.files,
        "INSERT INTO associations VALUES ('a', 'dev:1', 'nowhere', 0, '', 1, 0), "
        "('a', 'dev:2', '', 0, '', 1, 0), ('a', 'dev:3', 'host:south', 0, '', 1, 0)");
  spoil(program.files, "INSERT INTO packages VALUES ('p', '[]')");
  program.start();
  auto& store = program.running->store.real();
  CHECK(set_aside(store) == std::vector<std::string>{"app b", "host alias", "host broken",
                                                     "package p", "row a dev:1", "row a dev:2"});
  CHECK_THAT(program.files.registry.text(), ContainsSubstring("mx2_store_set_aside 6"));
  const auto& model = program.running->model.unlocked();
  CHECK(model.hosts().size() == 2);
  CHECK(model.apps().size() == 1);
  CHECK(model.table().rows() == 2);
  // The lists of operators go on, page by page.
  std::vector<std::string> listed;
  std::string cursor;
  do {
    const auto page = store.rows("", "", cursor, 1).value();
    for (const auto& row : page.items) listed.push_back(row.ue.text());
    cursor = page.next;
  } while (!cursor.empty());
  CHECK(listed == std::vector<std::string>{"*", "dev:3"});
}

TEST_CASE("stored documents: what was set aside stays in the file until it is replaced",
          "[store]") {
  Program program;
  program.stop();
  spoil(program.files, "INSERT INTO hosts VALUES ('broken', '{')");
  spoil(program.files, "INSERT INTO associations VALUES ('a', 'dev:1', 'nowhere', 0, '', 1, 0)");
  for (int i = 0; i < 2; ++i) {
    program.start();
    CHECK(set_aside(program.running->store) ==
          std::vector<std::string>{"host broken", "row a dev:1"});
    program.stop();
  }
  program.start();
  auto& core = program.running->core;
  REQUIRE(program.rewrite({sample_row("dev:1", "a", {"host:south"})}).ok());
  REQUIRE(program
              .wait<Changed>([&](auto answer) {
                put_host(core, sample_host("broken", {"a"}), {}, std::move(answer));
              })
              .ok());
  CHECK(set_aside(program.running->store).empty());
  CHECK_THAT(program.files.registry.text(), ContainsSubstring("mx2_store_set_aside 0"));
  program.stop();
  program.start();
  CHECK(set_aside(program.running->store).empty());
  CHECK(program.running->model.unlocked().hosts().size() == 3);
}

TEST_CASE("stored documents: what is replaced in vain is set aside still", "[store]") {
  Program program;
  program.stop();
  spoil(program.files, "INSERT INTO hosts VALUES ('broken', '{')");
  program.start();
  auto& store = program.running->store;
  const auto put = [&](const Result<void>& outcome) {
    return apply(store, [&](StoreTransaction& tx) -> Result<void> {
      if (auto done = tx.put(sample_host("broken", {"a"})); !done) return done;
      return outcome;
    });
  };
  CHECK_FALSE(put(conflict("no")).ok());
  CHECK(set_aside(store) == std::vector<std::string>{"host broken"});
  CHECK(put({}).ok());
  CHECK(set_aside(store).empty());
}

TEST_CASE("stored documents: of very many that cannot be read it is known that there are more",
          "[store]") {
  metrics::Registry registry;
  SetAside aside(registry);
  for (int i = 0; i < 10'000; ++i) aside.add("host", std::to_string(i), "no");
  aside.add("host", "1", "no");
  CHECK(aside.is_complete());
  aside.add("package", "p", "no");
  CHECK_FALSE(aside.is_complete());
  CHECK(aside.size() == 10'000);
  aside.forget("host", "1");
  CHECK_FALSE(aside.is_complete());
}

TEST_CASE("relocation: a context that cannot be read does not stop the others",
          "[store][relocation]") {
  Program program;
  auto broken = program.record(program.contexts[1]);
  broken.document = "{";
  auto& store = program.running->store;
  REQUIRE(apply(store, [&](StoreTransaction& tx) { return tx.update_context(broken); }).ok());
  REQUIRE(program.rewrite({sample_row("*", "a", {"host:south"})}).ok());
  const std::vector<std::string> all = program.contexts;
  program.contexts.erase(program.contexts.begin() + 1);
  CHECK(program.settles());
  CHECK(set_aside(store) == std::vector<std::string>{"context " + broken.context_id});
  // Nothing is left to be done: a restart does not look again.
  program.stop();
  program.start();
  CHECK_FALSE(program.running->relocating);
  // Whoever wants to be rid of it is.
  REQUIRE(program
              .wait<void>([&](auto answer) {
                delete_app_context(program.running->core, program.running->ledger,
                                   broken.context_id, Caller{}, {}, EndedBy::kSystem,
                                   std::move(answer));
              })
              .ok());
  CHECK(set_aside(program.running->store).empty());
}

TEST_CASE("rewrite: a logged piece that cannot be read stops neither the start nor later plans",
          "[store][rewrite]") {
  Program program;
  program.stop();
  spoil(program.files, "INSERT INTO rewrite_pieces VALUES (0, 'no rows'), (1, '[')");
  program.start();
  CHECK(set_aside(program.running->store) == std::vector<std::string>{"rewrite 0", "rewrite 1"});
  RewriteOrder order;
  order.changes = {sample_row("*", "a", {"host:south"})};
  order.changes[0].row.writer = Writer::kOptimizer;
  order.kind = TableVersion::Kind::kRollback;  // pins as well
  order.on_version = program.running->model.unlocked().table_version();
  const auto done = program.wait<Rewritten>(
      [&](auto answer) { program.running->rewriter.submit(order, std::move(answer)); });
  REQUIRE(done.ok());
  CHECK(done->rows == 1);
  CHECK(program.settles());
}

TEST_CASE("hosts: labels of a MEPM beside those of an operator stay within their number",
          "[operator]") {
  Program program(0);
  auto& core = program.running->core;
  auto host = sample_host("north", {"a"});
  for (int i = 0; i < 64; ++i) host.labels["l" + std::to_string(i)] = "x";
  const auto put = [&] {
    return program.wait<Changed>([&](auto answer) { put_host(core, host, {}, std::move(answer)); });
  };
  REQUIRE(put().ok());
  HostRegistration registration;
  registration.id = "north";
  registration.mepm_uri = "http://m/";
  registration.labels["arch"] = "x86_64";
  const auto come = [&] {
    return program.wait<Changed>([&](auto answer) {
      register_host(
          core, registration, [](const HostRegistration&) { return Result<void>(); },
          std::move(answer));
    });
  };
  const auto refused = come();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kInvalidArgument);
  CHECK(refused.error().pointer == "/labels");
  registration.labels = {{"l1", "y"}};
  CHECK(come().ok());
  // One that a release before let in goes on.
  host.labels["l64"] = "x";
  REQUIRE(put().ok());
  CHECK(come().ok());
}

TEST_CASE("hosts: operators do not list what life-cycle management has running", "[operator]") {
  Program program(0);
  auto& core = program.running->core;
  const AppInstance managed{"a", "m1", "http://managed/", true};
  const auto publish = [&](std::vector<AppInstance> instances) {
    return program.wait<Changed>([&](auto answer) {
      set_managed_instances(core, "north", std::move(instances), {}, std::move(answer));
    });
  };
  auto host = sample_host("north", {"a"});
  const auto put = [&] {
    return program.wait<Changed>([&](auto answer) { put_host(core, host, {}, std::move(answer)); });
  };
  REQUIRE(publish({managed}).ok());
  host.instances.push_back({"a", "mine", "http://managed/"});
  REQUIRE_FALSE(put().ok());
  CHECK(put().error().code == ErrorCode::kConflict);
  CHECK_THAT(put().error().detail, ContainsSubstring("http://managed/"));
  // It was listed first: both stay, and what is shown can be put again.
  REQUIRE(publish({}).ok());
  REQUIRE(put().ok());
  REQUIRE(publish({managed, {"a", "m2", "http://managed/", true}}).ok());
  const auto& shown = program.running->model.unlocked().host("north")->host;
  REQUIRE(shown.instances.size() == 4);
  host = codec::decode_host(codec::to_json(shown)).value();
  CHECK(put().ok());
  program.stop();
  program.start();
  CHECK(program.running->model.unlocked().host("north")->host.instances.size() == 4);
}

TEST_CASE("hosts: what is not the operator's to say is dropped, also from the first content",
          "[operator]") {
  auto host = sample_host("new", {"a"});
  host.instances[0].managed = true;
  host.reachable = false;
  host.unable = {"a"};
  Program program(0);
  auto& core = program.running->core;
  const auto check_plain = [&] {
    const auto& known = program.running->model.unlocked().host("new")->host;
    CHECK(known.instances.empty());
    CHECK(known.reachable);
    CHECK(known.unable.empty());
  };
  REQUIRE(program.wait<Changed>([&](auto answer) { put_host(core, host, {}, std::move(answer)); })
              .ok());
  check_plain();
  Content content;
  content.apps = {sample_app("a", "alpha")};
  content.hosts = {host};
  REQUIRE(
      program.wait<Patched>([&](auto answer) { load_content(core, content, std::move(answer)); })
          .ok());
  check_plain();
}

TEST_CASE("configuration: a NUL character, which no stored document may have", "[config]") {
  for (const char* text : {R"(hosts: [{id: h, name: "a\0b"}])", R"({"x\0": 1})"}) {
    const auto parsed = config::parse_yaml(text, "f");
    REQUIRE_FALSE(parsed.ok());
    CHECK_THAT(parsed.error().detail, ContainsSubstring("NUL"));
  }
}

TEST_CASE("app: vendorSpecificExt leaves room for the lists that it is shown in", "[operator]") {
  auto app = codec::to_json(sample_app());
  const auto nested = [](int levels) {
    json::Value value = 1;
    for (int i = 0; i < levels; ++i) value = json::Value::array({value});
    return json::Value{{"vendorId", "acme"}, {"x", value}};
  };
  app["vendorSpecificExt"] = nested(15);
  CHECK(codec::decode_app(app).ok());
  app["vendorSpecificExt"] = nested(16);
  CHECK(codec::decode_app(app).error().pointer == "/vendorSpecificExt");
  CHECK(codec::decode_stored_app(app).ok());
}

}  // namespace
}  // namespace mx2
