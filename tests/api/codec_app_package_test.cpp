// Filters and selectors of MEC 009, and packages as they are stored.
#include "api/mec/codec_app_package.h"

#include "api/mec/attribute_filter.h"
#include "tests/catch.h"

namespace mx2 {
namespace {

using json::Value;

bool filtered(const std::string& filter, const Value& item) {
  return AttributeFilter::parse(filter).value().matches(item);
}

TEST_CASE("attribute filters", "[mec][filter]") {
  const Value item{
      {"a", "x"}, {"n", 7}, {"b", {{"c", "one, (two)"}}}, {"list", {"p", "q"}}, {"t", true}};
  for (const auto* yes :
       {"(eq,a,x)", "(neq,a,y)", "(eq,n,7)", "(eq,n,7.0)", "(gt,n,6.5)", "(gte,n,7)", "(lt,n,10)",
        "(lte,n,7)", "(in,a,y,x)", "(nin,a,y,z)", "(cont,b/c,two)", "(ncont,b/c,three)",
        "(eq,b/c,'one, (two)')", "(eq,list,q)", "(eq,t,true)", "(neq,nothing,x)",
        "(eq,a,x);(eq,n,7)", "(gt,a,w)"}) {
    CAPTURE(yes);
    CHECK(filtered(yes, item));
  }
  for (const auto* no : {"(eq,a,y)", "(eq,nothing,x)", "(gt,n,seven)", "(in,a,y,z)", "(nin,a,x)",
                         "(eq,a,x);(eq,n,8)", "(eq,a/b,x)", "(neq,list,q)"}) {
    CAPTURE(no);
    CHECK_FALSE(filtered(no, item));
  }
  std::string many = "(eq,a,x)";
  for (int i = 0; i < 20; ++i) many += ";(eq,a,x)";
  for (const std::string& bad :
       {std::string(), std::string("eq,a,x"), std::string("(eq,a)"), std::string("(eq,a,x"),
        std::string("(is,a,x)"), std::string("(eq,,x)"), std::string("(eq,a,x,y)"),
        std::string("(eq,a,'x)"), std::string("(eq,a//b,x)"), std::string("(eq,a,x);"), many}) {
    CAPTURE(bad);
    CHECK_FALSE(AttributeFilter::parse(bad).ok());
  }
}

TEST_CASE("attribute selectors", "[mec][filter]") {
  const std::vector<std::string> optional{"a", "b"};
  const auto left = [&](const AttributeSelector::Query& query) {
    Value item{{"id", 1}, {"a", 1}, {"b", 1}};
    AttributeSelector::make(query, optional, {"a"}).value().apply(item);
    std::string names;
    for (const auto& [name, value] : item.items()) names += name;
    return names;
  };
  CHECK(left({}) == "abid");
  CHECK(left({false, true, "", ""}) == "bid");
  CHECK(left({false, true, "a", ""}) == "abid");
  CHECK(left({false, false, "b/c", ""}) == "bid");
  CHECK(left({false, false, "", "b"}) == "aid");
  CHECK_FALSE(AttributeSelector::make({true, true, "", ""}, optional, {}).ok());
  CHECK_FALSE(AttributeSelector::make({false, false, "id", ""}, optional, {}).ok());
}

TEST_CASE("a package comes back from the store as it was", "[mec]") {
  Package package;
  package.id = std::string(32, 'a');
  package.name = "n";
  package.version = "1";
  package.provider = "p";
  package.checksum = std::string(64, 'b');
  package.source_uri = "http://x/";
  package.user_defined_data = R"({"a":1})";
  package.state = OnboardingState::kProcessing;
  package.enabled = package.for_device = package.made_app = true;
  package.failure = {"cause", "detail", 504};
  package.created_ms = 5;
  package.size = 6;
  package.app_d_id = "a";
  package.memory_mib = 7;
  package.cpus = 8;
  package.architecture = "x86_64";
  CHECK(codec::decode_package(codec::to_json(package)).value() == package);
  CHECK_FALSE(codec::decode_package(Value{{"id", "x"}}).ok());
}

}  // namespace
}  // namespace mx2
