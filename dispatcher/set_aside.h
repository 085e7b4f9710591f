// λ whose configuration HAProxy has refused: found by asking it of parts, and left out until they
// change, so that the others go on. Not for several threads at once.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "dispatcher/layout.h"

namespace mx2::dispatcher {

class SetAside {
 public:
  // Why HAProxy does not take a layout, in its words; empty: it does.
  using Refusal = std::function<std::string(const Layout&)>;
  static constexpr int kQuestionsMax = 64;

  // Sets aside those of `apps` (appDIds) that are why `layout` is refused. Returns them: none if it
  // is not refused, or not because of one of them. With very many, not all: then ask again.
  std::vector<std::string> find(const Layout& layout, const std::set<std::string>& apps,
                                const Refusal& refusal);

  // Whether `layout` has of this λ what was refused. If it has something else, that is worth a try,
  // and the λ is not set aside any more.
  [[nodiscard]] bool is_still_refused(const std::string& app_d_id, const Layout& layout);
  void forget(const std::string& app_d_id) { refused_.erase(app_d_id); }

  // In HAProxy's words; empty: it is not set aside.
  [[nodiscard]] std::string reason(const std::string& app_d_id) const;
  [[nodiscard]] std::size_t size() const { return refused_.size(); }

 private:
  struct Refused {
    Layout layout;  // of it alone
    std::string reason;
  };
  std::map<std::string, Refused> refused_;  // by appDId
};

}  // namespace mx2::dispatcher
