// mx2ctl packages …: application packages, over app_pkgm/v1 of ETSI GS MEC 010-2.
#include "api/base/digest.h"
#include "api/base/ids.h"
#include "api/base/text.h"
#include "ctl/commands.h"
#include "ctl/onboarding.h"

namespace mx2::ctl {
namespace {

constexpr const char* kIdHelp = "Of the package, or appDId of its app";

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
  const auto answer = session.server.api(kPackageApi).exchange("GET", "/app_packages");
  if (!answer) return answer.error();
  const auto packages = json::parse(answer->body);
  if (!packages) return packages.error();
  print_items(session.format, session.out, list_columns(), *packages);
  return 0;
}

Result<std::string> id_of(Session& session, const std::string& id) {
  if (is_hex32(id)) return id;
  const auto package = find_package(session.server, id);
  if (!package) return package.error();
  return package->value("id", "");
}

Result<int> onboard(Session& session, const OnboardArguments& given) {
  const auto package = onboard_package(session.server, given);
  if (!package) return package.error();
  const auto state = package->value("onboardingState", std::string());
  session.out << "package " << package->value("id", std::string()) << ": ";
  if (state == "ONBOARDED") {
    session.out << "on-boarded, app " << printable(package->value("appDId", std::string()));
  } else {
    session.out << state;
  }
  session.out << '\n';
  return 0;
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
                 auto server = session.server.api(kPackageApi);
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
        return print_item(session, find_package(session.server, given), show_columns());
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
