// AppD (MEC 010-2 clause 6.2.1.2) with our mx2Process: what is read, what is refused and where.
#include "api/mec/appd.h"
#include "tests/catch.h"

namespace mx2::codec {
namespace {

using json::Value;
using test::ContainsSubstring;

Value sample_appd() {
  return json::parse(R"({
    "appDId": "facedetect-1", "appName": "facedetect", "appProvider": "Example",
    "appSoftVersion": "1.0", "appDVersion": "1.1", "mecVersion": ["2.2.1", "3.1.1"],
    "appDescription": "Finds faces", "appInfoName": "Face detection",
    "appServiceRequired": [{"serName": "x", "version": "1"}],
    "virtualComputeDescriptor": {"virtualCpu": {"numVirtualCpu": 2, "cpuClock": 1000},
                                 "virtualMemory": {"virtualMemSize": 256}},
    "swImageDescriptor": [{"id": "i", "name": "n", "version": "1", "swImage": "bin/x",
                           "architecture": "x86_64"}],
    "mx2Process": {"command": ["bin/x", "--port", "{port}"], "environment": {"A_1": "b"},
                   "readyPath": "/health", "statsPath": "/mx2/stats", "readyTimeoutMs": 2000,
                   "stopTimeoutMs": 1000, "processesMax": 8, "filesBytesMax": 1048576}})")
      .value();
}

Result<AppDescriptor> decode_appd(const Value& document) {
  return decode_app_descriptor(json::dump(document));
}

// Puts `value` at `pointer`; a JSON text, or none to remove what is there.
Value appd_with(const std::string& pointer, const std::string& value) {
  auto document = sample_appd();
  const Value::json_pointer at(pointer);
  if (value.empty()) {
    document[at.parent_pointer()].erase(at.back());
  } else {
    document[at] = Value::parse(value);
  }
  return document;
}

TEST_CASE("AppD: all of it", "[appd]") {
  const auto app = decode_appd(sample_appd());
  INFO((app ? "" : app.error().pointer + " " + app.error().detail));
  REQUIRE(app.ok());
  CHECK(app->app_d_id == "facedetect-1");
  CHECK(app->app_name == "facedetect");
  CHECK(app->app_provider == "Example");
  CHECK(app->app_soft_version == "1.0");
  CHECK(app->app_d_version == "1.1");
  CHECK(app->app_description == "Finds faces");
  CHECK(app->mec_version == std::vector<std::string>{"2.2.1", "3.1.1"});
  CHECK(app->virtual_cpus == 2);
  CHECK(app->memory_mib == 256);
  CHECK(app->architecture == "x86_64");
  REQUIRE(app->process);
  CHECK(app->process->command == std::vector<std::string>{"bin/x", "--port", "{port}"});
  CHECK(app->process->environment.at("A_1") == "b");
  CHECK(app->process->ready_path == "/health");
  CHECK(app->process->stats_path == "/mx2/stats");
  CHECK(app->process->ready_timeout_ms == 2000);
  CHECK(app->process->stop_timeout_ms == 1000);
  CHECK(app->process->processes_max == 8);
  CHECK(app->process->file_bytes_max == 1048576);
}

TEST_CASE("AppD: encoded and decoded again it is the same", "[appd]") {
  for (const auto& document :
       {sample_appd(), appd_with("/mx2Process", ""), appd_with("/swImageDescriptor", ""),
        appd_with("/mx2Process", R"({"command":["x"]})")}) {
    const auto app = decode_appd(document);
    REQUIRE(app.ok());
    const auto again = decode_appd(to_json(*app));
    REQUIRE(again.ok());
    CHECK(to_json(*again) == to_json(*app));
    CHECK(again->process.has_value() == app->process.has_value());
  }
}

TEST_CASE("AppD: what may be absent has a default", "[appd]") {
  auto document = sample_appd();
  document.erase("virtualComputeDescriptor");
  document.erase("swImageDescriptor");
  document["mx2Process"] = {{"command", {"./bin/x"}}};
  const auto app = decode_appd(document);
  REQUIRE(app.ok());
  CHECK(app->virtual_cpus == 1);
  CHECK(app->memory_mib == 128);
  CHECK(app->architecture.empty());
  CHECK(app->process->ready_path.empty());
  CHECK(app->process->ready_timeout_ms == 10000);
  CHECK(app->process->stop_timeout_ms == 5000);
  CHECK(app->process->processes_max == 32);
  CHECK(app->process->file_bytes_max == 64 << 20);
}

TEST_CASE("AppD: one image is an object in V2.1.1", "[appd]") {
  const auto app = decode_appd(appd_with("/swImageDescriptor", R"({"architecture":"aarch64"})"));
  REQUIRE(app.ok());
  CHECK(app->architecture == "aarch64");
}

TEST_CASE("AppD: every refusal points to its attribute", "[appd][hostile]") {
  struct Bad {
    const char* pointer;
    const char* value;  // empty: removed
  };
  const auto long_text = '"' + std::string(5000, 'x') + '"';
  for (const auto& [pointer, value] : std::initializer_list<Bad>{
           {"/appDId", ""},
           {"/appDId", R"("")"},
           {"/appDId", R"("a\nb")"},
           {"/appDId", "7"},
           {"/appDId", long_text.c_str()},
           {"/appName", ""},
           {"/appName", R"("123456789012345678901234567890123")"},
           {"/appProvider", "null"},
           {"/appSoftVersion", ""},
           {"/appDVersion", R"("a\tb")"},
           {"/appDescription", ""},
           {"/appDescription", long_text.c_str()},
           {"/mecVersion", ""},
           {"/mecVersion", "[]"},
           {"/mecVersion", R"("2.2.1")"},
           {"/mecVersion/1", "7"},
           {"/mecVersion/1", R"("a\nb")"},
           {"/virtualComputeDescriptor", "[]"},
           {"/virtualComputeDescriptor/virtualCpu", "2"},
           {"/virtualComputeDescriptor/virtualCpu/numVirtualCpu", "0"},
           {"/virtualComputeDescriptor/virtualCpu/numVirtualCpu", "1025"},
           {"/virtualComputeDescriptor/virtualMemory/virtualMemSize", "0"},
           {"/virtualComputeDescriptor/virtualMemory/virtualMemSize", "-1"},
           {"/virtualComputeDescriptor/virtualMemory/virtualMemSize", "1048577"},
           {"/virtualComputeDescriptor/virtualMemory/virtualMemSize", "18446744073709551615"},
           {"/virtualComputeDescriptor/virtualMemory/virtualMemSize", "1.5"},
           {"/virtualComputeDescriptor/virtualMemory/virtualMemSize", R"("1")"},
           {"/swImageDescriptor", "7"},
           {"/swImageDescriptor/0", "7"},
           {"/swImageDescriptor/0/architecture", "7"},
           {"/swImageDescriptor/0/architecture", R"("a\nb")"},
           {"/mx2Process", "[]"},
           {"/mx2Process/command", ""},
           {"/mx2Process/command", "[]"},
           {"/mx2Process/command", R"("bin/x")"},
           {"/mx2Process/command/0", R"("")"},
           {"/mx2Process/command/0", R"("/bin/sh")"},
           {"/mx2Process/command/0", R"("../x")"},
           {"/mx2Process/command/0", R"("bin/../../x")"},
           {"/mx2Process/command/0", R"("bin/..")"},
           {"/mx2Process/command/0", R"("bin/")"},
           {"/mx2Process/command/0", R"(".")"},
           {"/mx2Process/command/0", R"("bin/.")"},
           {"/mx2Process/command/0", R"("bin\nx")"},
           {"/mx2Process/command/2", R"("a\u001bb")"},
           {"/mx2Process/command/2", "{}"},
           {"/mx2Process/environment", "[]"},
           {"/mx2Process/environment/A_1", "1"},
           {"/mx2Process/environment/A_1", R"("a\nb")"},
           {"/mx2Process/environment/MX2_PORT", R"("1")"},
           {"/mx2Process/environment/1A", R"("1")"},
           {"/mx2Process/environment/A=B", R"("1")"},
           {"/mx2Process/readyPath", R"("health")"},
           {"/mx2Process/readyPath", R"("/a b")"},
           {"/mx2Process/readyPath", R"("/a\r\nX: y")"},
           {"/mx2Process/statsPath", R"("http://elsewhere/")"},
           {"/mx2Process/readyTimeoutMs", "0"},
           {"/mx2Process/readyTimeoutMs", "600001"},
           {"/mx2Process/stopTimeoutMs", "-5"},
           {"/mx2Process/stopTimeoutMs", "600001"},
           {"/mx2Process/processesMax", "0"},
           {"/mx2Process/processesMax", "100000"},
           {"/mx2Process/filesBytesMax", "0"},
           {"/mx2Process/filesBytesMax", "1099511627777"},
       }) {
    CAPTURE(pointer, value);
    const auto app = decode_appd(appd_with(pointer, value));
    REQUIRE_FALSE(app.ok());
    CHECK(app.error().code == ErrorCode::kInvalidArgument);
    CHECK(app.error().pointer == pointer);
  }
}

TEST_CASE("AppD: a misspelt attribute of mx2Process", "[appd]") {
  const auto app = decode_appd(appd_with("/mx2Process/readyTimoutMs", "7"));
  REQUIRE_FALSE(app.ok());
  CHECK(app.error().pointer == "/mx2Process/readyTimoutMs");
  CHECK_THAT(app.error().detail, ContainsSubstring("did you mean 'readyTimeoutMs'?"));
}

TEST_CASE("AppD: too much of everything", "[appd][hostile]") {
  auto document = sample_appd();
  document["mx2Process"]["command"] = std::vector<std::string>(65, "x");
  CHECK(decode_appd(document).error().pointer == "/mx2Process/command");
  document = sample_appd();
  for (int i = 0; i < 65; ++i) document["mx2Process"]["environment"]["V" + std::to_string(i)] = "";
  CHECK(decode_appd(document).error().pointer == "/mx2Process/environment");
  document = sample_appd();
  document["mecVersion"] = std::vector<std::string>(17, "1");
  CHECK(decode_appd(document).error().pointer == "/mecVersion");
  document = sample_appd();
  document["padding"] = std::string(kDescriptorBytesMax, 'x');
  CHECK_FALSE(decode_appd(document).ok());
  document = sample_appd();
  document["swImageDescriptor"] = {{{"architecture", "x86_64"}}, {{"architecture", "aarch64"}}};
  CHECK(decode_appd(document).error().pointer == "/swImageDescriptor/1/architecture");
}

TEST_CASE("AppD: no JSON, no object", "[appd][hostile]") {
  for (const char* bad : {"", "{", "[]", "null", "7", R"({"appDId":"a","appDId":"b"})", "\xff"}) {
    CAPTURE(bad);
    CHECK_FALSE(decode_app_descriptor(bad).ok());
  }
  CHECK_FALSE(decode_app_descriptor(std::string(100000, '[')).ok());
}

}  // namespace
}  // namespace mx2::codec
