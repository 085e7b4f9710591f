// mx2ctl packages …: application packages, over app_pkgm/v1 of ETSI GS MEC 010-2.
#include <chrono>
#include <filesystem>
#include <thread>

#include "api/base/digest.h"
#include "api/base/file.h"
#include "api/base/ids.h"
#include "api/base/text.h"
#include "ctl/commands.h"

namespace mx2::ctl {
namespace {

constexpr const char* kApi = "/app_pkgm/v1";
constexpr const char* kIdHelp = "Of the package, or appDId of its app";
constexpr auto kLookEvery = std::chrono::milliseconds(50);
constexpr std::size_t kVersionDigits = 12;
constexpr int kIdleMs = 30000;
constexpr int kOk = 200;

struct OnboardArguments {
  std::string source;
  std::string name;
  std::string version;
  std::string sha256;
  double wait_s = 120;
};

// "ONBOARDED", or "CREATED: wrong-checksum".
Column state_column() {
  return {"onboardingState", "STATE", [](const json::Value& package) {
            auto state = package.value("onboardingState", std::string());
            if (!package.contains("onboardingFailureDetails")) return state;
            const auto type = text_at(package, "onboardingFailureDetails.type");
            return state + ": " + type.substr(type.rfind(':') + 1);
          }};
}

Column of_extension(const std::string& name, const std::string& title, bool right = false) {
  auto column = member("mx2." + name, title, right);
  column.name = name;
  return column;
}

std::vector<Column> list_columns() {
  return {member("id", "PACKAGE"),
          member("appDId", "APP"),
          member("appName", "NAME"),
          member("appDVersion", "VERSION"),
          state_column(),
          member("operationalState", "OPERATIONAL"),
          member("usageState", "USAGE"),
          of_extension("sizeBytes", "BYTES", true)};
}

std::vector<Column> show_columns() {
  auto columns = list_columns();
  columns.push_back(member("appProvider", "PROVIDER"));
  columns.push_back(member("appSoftwareVersion", "SOFTWARE"));
  columns.push_back({"sha256", "SHA-256", member("checksum.hash", "").text});
  columns.push_back(of_extension("memoryMiB", "MEMORY MIB"));
  columns.push_back(of_extension("cpus", "CPUS"));
  columns.push_back(of_extension("architecture", "ARCHITECTURE"));
  columns.push_back(of_extension("appPkgPath", "SOURCE"));
  columns.push_back({"failure", "FAILURE", member("onboardingFailureDetails.detail", "").text});
  return columns;
}

Result<int> list_packages(Session& session) {
  const auto answer = session.server.api(kApi).exchange("GET", "/app_packages");
  if (!answer) return answer.error();
  const auto packages = json::parse(answer->body);
  if (!packages) return packages.error();
  print_items(session.format, session.out, list_columns(), *packages);
  return 0;
}

// By its identifier, or by its app's.
Result<json::Value> find_package(Session& session, const std::string& id) {
  auto server = session.server.api(kApi);
  return server.get(encoded(is_hex32(id) ? "app_packages" : "onboarded_app_packages", id));
}

Result<std::string> id_of(Session& session, const std::string& id) {
  if (is_hex32(id)) return id;
  const auto package = find_package(session, id);
  if (!package) return package.error();
  return package->value("id", "");
}

bool is_uri(const std::string& source) { return source.find("://") != std::string::npos; }

// What is there for us is what must be there for the orchestrator.
Result<std::string> digest_of_uri(const std::string& uri) {
  http::CurlClient client({});
  Sha256 digest;
  int status = 0;
  const auto reply = client.stream(uri, {},
                                   {[&](const http::Reply& head) {
                                      status = head.status;
                                      return status == kOk;
                                    },
                                    [&](std::string_view bytes) {
                                      digest.update(bytes);
                                      return true;
                                    }},
                                   kIdleMs);
  if (!reply) return reply.error();
  if (status != kOk) return not_found(uri + " answers with status " + std::to_string(status));
  return digest.hex();
}

// Until the package is on-boarded or refused, or the time is over.
Result<int> follow(Session& session, const std::string& id, double wait_s) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(wait_s);
  while (true) {
    const auto package = find_package(session, id);
    if (!package) return package.error();
    const auto state = package->value("onboardingState", std::string());
    const auto failure = package->find("onboardingFailureDetails");
    if (failure != package->end()) {
      return forbidden("refused", "package " + id + ": " + failure->value("detail", std::string()));
    }
    if (state == "ONBOARDED") {
      session.out << "package " << id << ": on-boarded, app "
                  << printable(package->value("appDId", std::string())) << '\n';
      return 0;
    }
    if (std::chrono::steady_clock::now() >= end) {
      session.out << "package " << id << ": " << state << '\n';
      return 0;
    }
    std::this_thread::sleep_for(kLookEvery);
  }
}

Result<int> onboard(Session& session, const OnboardArguments& given) {
  auto arguments = given;
  const bool from_uri = is_uri(arguments.source);
  std::string content;
  if (!from_uri) {
    auto read = read_file(arguments.source);
    if (!read) return usage_error(read.error().detail, read.error().pointer);
    content = std::move(*read);
  }
  if (arguments.sha256.empty()) {
    auto digest = from_uri ? digest_of_uri(arguments.source) : [&]() -> Result<std::string> {
      Sha256 sha256;
      sha256.update(content);
      return sha256.hex();
    }();
    if (!digest) return digest.error();
    arguments.sha256 = *digest;
  }
  if (arguments.name.empty()) {
    const auto plain = arguments.source.substr(0, arguments.source.find_first_of("?#"));
    arguments.name = std::filesystem::path(plain).stem().string();
  }
  if (arguments.version.empty()) arguments.version = arguments.sha256.substr(0, kVersionDigits);
  json::Value request{{"appPkgName", arguments.name},
                      {"appPkgVersion", arguments.version},
                      {"checksum", {{"algorithm", "SHA-256"}, {"hash", arguments.sha256}}}};
  if (from_uri) request["appPkgPath"] = arguments.source;
  auto server = session.server.api(kApi);
  const auto made = server.post_for("/app_packages", request);
  if (!made) return made.error();
  const auto id = made->value("id", std::string());
  if (!from_uri && made->value("onboardingState", std::string()) == "CREATED") {
    const auto put = server.exchange("PUT", encoded("app_packages", id) + "/package_content",
                                     content, "application/zip");
    if (!put) return put.error();
  }
  return follow(session, id, arguments.wait_s);
}

std::string check_digest(const std::string& text) {
  return is_hex(to_lower(text), kDigestDigits) ? "" : "must be 64 hexadecimal digits";
}

void add_onboard(const Menu& group) {
  const auto [command, arguments] =
      group.add<OnboardArguments>("onboard", "On-board a package, and wait for it", onboard);
  command
      .add_option("SOURCE", arguments.source,
                  "A file, which is uploaded, or a URI, from which the orchestrator fetches it")
      ->required();
  command.add_option("--name", arguments.name, "appPkgName; else the file's name");
  command.add_option("--package-version", arguments.version,
                     "appPkgVersion; else the beginning of the digest");
  command
      .add_option(
          "--sha256", arguments.sha256,
          "What the content must be; else mx2ctl reads it, of a URI too, and takes its digest")
      ->check(check_digest);
  command.add_option("--wait", arguments.wait_s, "Seconds to wait")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
}

void add_verb(const Menu& group, const std::string& name, const std::string& help,
              const std::string& method, const std::string& body, const std::string& done) {
  add_for_each(group, name, help, "package", kIdHelp,
               [=](Session& session, const std::string& id) -> Result<std::string> {
                 auto known = id_of(session, id);
                 if (!known) return known;
                 auto server = session.server.api(kApi);
                 return said(server.exchange(method, encoded("app_packages", *known), body,
                                             body.empty() ? "" : "application/json"),
                             done);
               });
}

}  // namespace

void add_package_commands(const Menu& program) {
  const auto group = program.group("packages", "Application packages");
  group.add("list", "List all packages", list_packages);
  const auto [show, id] = group.add<std::string>(
      "show", "Show one package", [](Session& session, const std::string& given) {
        return print_item(session, find_package(session, given), show_columns());
      });
  show.add_option("ID", id, kIdHelp)->required()->type_name("PACKAGE");
  add_onboard(group);
  add_verb(group, "enable", "Let apps of packages be instantiated", "PATCH",
           R"({"operationalState":"ENABLED"})", "enabled");
  add_verb(group, "disable", "Let no new instances of apps be made", "PATCH",
           R"({"operationalState":"DISABLED"})", "disabled");
  add_verb(group, "delete", "Delete packages that are disabled and have no instances", "DELETE", "",
           "deleted");
}

}  // namespace mx2::ctl
