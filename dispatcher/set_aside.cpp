#include "dispatcher/set_aside.h"

#include <algorithm>
#include <iterator>
#include <span>

namespace mx2::dispatcher {
namespace {

// What a configuration says of a server beside its weight and state.
bool is_alike(const Server& a, const Server& b) {
  return a.address == b.address && a.tls_host == b.tls_host;
}

bool is_alike(const Backend& a, const Backend& b) {
  return a.path == b.path && std::equal(a.servers.begin(), a.servers.end(), b.servers.begin(),
                                        b.servers.end(), [](const auto& x, const auto& y) {
                                          return x.first == y.first && is_alike(x.second, y.second);
                                        });
}

bool is_alike(const Layout& a, const Layout& b) {
  return std::equal(a.backends.begin(), a.backends.end(), b.backends.begin(), b.backends.end(),
                    [](const auto& x, const auto& y) {
                      return x.first == y.first && is_alike(x.second, y.second);
                    });
}

// Halves what is refused, again and again.
class Search {
 public:
  using Apps = std::span<const std::string>;
  Search(const Layout& layout, const SetAside::Refusal& refusal)
      : layout_(layout), refusal_(refusal) {}

  // Why these are refused, beside nothing else.
  std::string ask(Apps apps) {
    ++questions_;
    Layout some = part(layout_, apps);
    return refusal_(some);
  }

  // `why` they are refused, all together.
  void halve(Apps apps, const std::string& why) {
    if (apps.size() == 1) {
      found.emplace_back(apps.front(), why);
      return;
    }
    const auto half = apps.size() / 2;
    for (const auto some : {apps.first(half), apps.subspan(half)}) {
      if (questions_ >= SetAside::kQuestionsMax) return;
      if (const auto reason = ask(some); !reason.empty()) halve(some, reason);
    }
  }

  std::vector<std::pair<std::string, std::string>> found;  // and why

 private:
  const Layout& layout_;
  const SetAside::Refusal& refusal_;
  int questions_ = 0;
};

}  // namespace

std::vector<std::string> SetAside::find(const Layout& layout, const std::set<std::string>& apps,
                                        const Refusal& refusal) {
  const std::vector<std::string> all(apps.begin(), apps.end());
  Search search(layout, refusal);
  const auto why = search.ask(all);
  if (why.empty() || all.empty() || !search.ask({}).empty()) return {};
  search.halve(all, why);
  std::vector<std::string> names;
  for (auto& [app, reason] : search.found) {
    refused_[app] = {part(layout, std::span(&app, 1)), std::move(reason)};
    names.push_back(app);
  }
  return names;
}

bool SetAside::is_still_refused(const std::string& app_d_id, const Layout& layout) {
  const auto it = refused_.find(app_d_id);
  if (it == refused_.end()) return false;
  if (is_alike(it->second.layout, part(layout, std::span(&app_d_id, 1)))) return true;
  refused_.erase(it);
  return false;
}

std::string SetAside::reason(const std::string& app_d_id) const {
  const auto it = refused_.find(app_d_id);
  return it == refused_.end() ? std::string() : it->second.reason;
}

}  // namespace mx2::dispatcher
