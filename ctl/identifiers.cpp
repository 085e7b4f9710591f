#include "ctl/identifiers.h"

#include <map>
#include <set>

#include "ctl/output.h"

namespace mx2::ctl {
namespace {

struct Source {
  std::string path;
  std::string member;
  std::string before = {};  // what is written before the identifier
  std::string api = {};     // empty: the operator API
};

const std::map<std::string, Source>& sources() {
  static const std::map<std::string, Source> kSources{
      {"APP", {"/apps", "appDId"}},
      {"CONTEXT", {"/contexts", "contextId"}},
      {"DEVICE", {"/contexts", "associateDevAppId"}},
      {"HOST", {"/hosts", "id"}},
      {"PACKAGE", {"/app_packages", "appDId", {}, "/app_pkgm/v1"}},
      {"TARGET", {"/hosts", "id", "host:"}},
      {"UE", {"/table", "ue"}},
      {"VERSION", {"/table/history", "version"}},
  };
  return kSources;
}

bool is_one_word(const std::string& text) {
  return !text.empty() && text.find_first_of(" \t\n'\"\\$`*?[]{}()<>|&;") == std::string::npos;
}

}  // namespace

const std::vector<std::string>& identifier_kinds() {
  static const std::vector<std::string> kKinds = [] {
    std::vector<std::string> kinds;
    for (const auto& [kind, source] : sources()) kinds.push_back(kind);
    return kinds;
  }();
  return kKinds;
}

void print_identifiers(OperatorClient& server, const std::string& kind, std::ostream& out) {
  const auto source = sources().find(kind);
  if (source == sources().end()) return;
  const auto& [path, member, before, api] = source->second;
  const auto page = api.empty() ? server.get(path, {{"limit", std::to_string(kIdentifiersMax)}})
                                : server.api(api).get(path);
  if (!page) return;
  std::set<std::string> told;
  for (const auto& item : page->is_array() ? *page : list_in(*page, "items")) {
    if (told.size() == kIdentifiersMax) return;
    const auto id = text_at(item, member);
    if (is_one_word(id) && told.insert(id).second) out << before << id << '\n';
  }
}

}  // namespace mx2::ctl
