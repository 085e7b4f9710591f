#include "orchestrator/domain/model.h"

#include "tests/catch.h"
#include "tests/support/samples.h"

namespace mx2 {
namespace {

using test::ContainsSubstring;
using test::sample_app;
using test::sample_host;
using test::sample_row;

Model sample_model() {
  Model model;
  REQUIRE(model.put_app(sample_app("a-1", "alpha")).ok());
  REQUIRE(model.put_host(sample_host("north", {"a-1"})).ok());
  model.apply(sample_row("*", "a-1", {"host:north"}));
  return model;
}

Result<const CatalogueEntry*> resolve(const Model& model, const AppReference& reference) {
  return model.resolve(reference, [](const CatalogueEntry&) { return true; });
}

AppReference named(const std::string& name) {
  return {std::nullopt, name, "Example", std::nullopt, std::nullopt};
}

TEST_CASE("item 40: an appDId is looked up, and must agree with the rest", "[model]") {
  const auto model = sample_model();
  AppReference reference{"a-1", "alpha", "Example", "1.0", std::nullopt};
  REQUIRE(resolve(model, reference).ok());
  CHECK((*resolve(model, reference))->app.info.app_d_id == "a-1");
  reference.app_soft_version = "9";
  CHECK_FALSE(resolve(model, reference).ok());
  reference = {"a-1", "beta", "Example", "1.0", std::nullopt};
  CHECK(resolve(model, reference).error().pointer == "/appInfo/appDId");
  reference.app_d_id = "unknown";
  REQUIRE(resolve(model, reference).ok());
  CHECK(*resolve(model, reference) == nullptr);
}

TEST_CASE("item 39: without appDId, name, provider and versions decide", "[model]") {
  auto model = sample_model();
  auto other = sample_app("a-2", "alpha");
  other.info.app_soft_version = "2.0";
  REQUIRE(model.put_app(other).ok());
  auto reference = named("alpha");
  reference.app_soft_version = "2.0";
  CHECK((*resolve(model, reference))->app.info.app_d_id == "a-2");
  reference.app_soft_version = "1.0";
  CHECK((*resolve(model, reference))->app.info.app_d_id == "a-1");
  reference.app_d_version = "7";
  CHECK(*resolve(model, reference) == nullptr);
  CHECK(*resolve(model, named("Alpha")) == nullptr);
  reference = named("alpha");
  reference.app_provider = "Other";
  CHECK(*resolve(model, reference) == nullptr);
}

TEST_CASE("etsimec bug 11: names with the same concatenation are different apps", "[model]") {
  Model model;
  auto app = sample_app("x", "a+b");
  app.info.app_provider = "c";
  REQUIRE(model.put_app(app).ok());
  AppReference reference{std::nullopt, "a", "b+c", std::nullopt, std::nullopt};
  CHECK(*resolve(model, reference) == nullptr);
}

TEST_CASE("of several versions the last is taken, 1.10 after 1.9", "[model]") {
  Model model;
  for (const char* version : {"1.9", "1.10", "1.2", "1.10.0-rc"}) {
    auto app = sample_app(std::string("v") + version, "n");
    app.info.app_d_version = version;
    REQUIRE(model.put_app(app).ok());
  }
  CHECK((*resolve(model, named("n")))->app.info.app_d_version == "1.10.0-rc");
  model.remove_app("v1.10.0-rc");
  CHECK((*resolve(model, named("n")))->app.info.app_d_version == "1.10");
}

TEST_CASE("an app that may not be used does not hide one that may", "[model]") {
  auto model = sample_model();
  auto newer = sample_app("a-2", "alpha");
  newer.info.app_d_version = "2.0";
  REQUIRE(model.put_app(newer).ok());
  const auto only_old = [](const CatalogueEntry& entry) {
    return entry.app.info.app_d_id == "a-1";
  };
  CHECK((*model.resolve(named("alpha"), only_old))->app.info.app_d_id == "a-1");
  AppReference reference = named("alpha");
  reference.app_d_id = "a-2";
  CHECK(*model.resolve(reference, only_old) == nullptr);
}

TEST_CASE("an app that is renamed is found by its new name only", "[model]") {
  auto model = sample_model();
  auto app = sample_app("a-1", "renamed");
  REQUIRE(model.put_app(app).ok());
  CHECK(*resolve(model, named("alpha")) == nullptr);
  CHECK(*resolve(model, named("renamed")) != nullptr);
  CHECK(model.hosts_of("a-1").size() == 1);
}

TEST_CASE("what is referred to cannot be removed", "[model]") {
  auto model = sample_model();
  CHECK_THAT(model.check_removal_of_app("a-1").error().detail, ContainsSubstring("1 row"));
  CHECK_THAT(model.check_removal_of_host("north").error().detail, ContainsSubstring("1 row"));
  CHECK(model.check_removal_of_app("x").error().code == ErrorCode::kNotFound);
  CHECK(model.check_removal_of_host("x").error().code == ErrorCode::kNotFound);
  auto removal = sample_row("*", "a-1", {});
  removal.remove = true;
  model.apply(removal);
  CHECK_THAT(model.check_removal_of_app("a-1").error().detail, ContainsSubstring("1 host"));
  CHECK(model.check_removal_of_host("north").ok());
  model.remove_host("north");
  CHECK(model.check_removal_of_app("a-1").ok());
}

TEST_CASE("a row names known apps and hosts", "[model]") {
  const auto model = sample_model();
  CHECK(model.check(sample_row("*", "a-1", {"host:north", "endpoint:x:1"})).ok());
  CHECK_THAT(model.check(sample_row("dev:q", "nope", {"host:north"})).error().detail,
             ContainsSubstring("row (dev:q, nope)"));
  CHECK_THAT(model.check(sample_row("*", "a-1", {"host:nope"})).error().detail,
             ContainsSubstring("host 'nope'"));
  CHECK(model.check_host(sample_host("s", {"a-1"})).ok());
  CHECK_FALSE(model.check_host(sample_host("s", {"nope"})).ok());
}

TEST_CASE("a host that is put again lists only its new instances", "[model]") {
  auto model = sample_model();
  REQUIRE(model.put_app(sample_app("b-1", "beta")).ok());
  REQUIRE(model.put_host(sample_host("north", {"b-1"})).ok());
  CHECK(model.hosts_of("a-1").empty());
  CHECK(model.hosts_of("b-1").count("north") == 1);
  CHECK(model.host("north")->instance("a-1", "") == nullptr);
  CHECK(model.host("north")->instance("b-1", "")->app_instance_id == "north.b-1");
}

TEST_CASE("a location that is no polygon changes nothing", "[model]") {
  auto model = sample_model();
  auto app = sample_app("a-1", "changed");
  app.info.app_location = {test::in_area(Polygon{{{{0, 0, {}}, {1, 1, {}}, {0, 0, {}}}}})};
  CHECK_FALSE(model.put_app(app).ok());
  CHECK(*resolve(model, named("alpha")) != nullptr);
  auto host = sample_host("north", {});
  host.service_area = app.info.app_location;
  CHECK_FALSE(model.put_host(host).ok());
  CHECK(model.host("north")->instance("a-1", "") != nullptr);
}

TEST_CASE("every write of a live model is a new generation", "[model]") {
  LiveModel live;
  const auto before = live.read([](const Model& m) { return m.generation(); });
  live.write([](Model& m) { m.set_table_version(7); });
  CHECK(live.unlocked().generation() == before + 1);
  CHECK(live.unlocked().table_version() == 7);
}

}  // namespace
}  // namespace mx2
