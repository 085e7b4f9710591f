// The addresses of host names, looked up in the background and again every 30 s. Some names are
// looked up at once, those first that never were, and those last that nobody knew: a name that no
// resolver answers for holds up no other. A name keeps the address it had while that is one of
// those it has now, or none is found. Addresses that are not is_callable() are none.
//
// All methods are callable from any thread, and none waits for a resolver.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/base/clock.h"

namespace mx2::dispatcher {

// The addresses of a host's name, in text. Blocking; called by several threads at once.
using Resolve = std::function<std::vector<std::string>(const std::string&)>;
[[nodiscard]] std::vector<std::string> resolve_name(const std::string& name);

class Names {
 public:
  using Addresses = std::map<std::string, std::string>;  // by name; empty: it has none

  static constexpr std::size_t kAtOnce = 8;
  static constexpr std::int64_t kAgainMs = 30'000;

  // `clock` must outlive this. `changed` is called, by whoever has looked it up, after addresses
  // have become others; it only takes note.
  Names(Resolve resolve, const Clock& clock, std::function<void()> changed);
  // Look-ups under way end by themselves, unheard.
  ~Names() { stop(); }
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  // Those that are used, each once. Others are forgotten.
  void want(const std::vector<std::string>& names);
  // Begins to look up what is due. Call it whenever that may be.
  void look();
  void stop();

  // Of those that have been looked up.
  [[nodiscard]] Addresses known() const;
  // Another number after each change of known().
  [[nodiscard]] std::uint64_t version() const;
  // Whether nothing is being looked up.
  [[nodiscard]] bool is_idle() const;

 private:
  struct Shared;  // with those who look up, and may outlive us
  const std::shared_ptr<Shared> shared_;
};

}  // namespace mx2::dispatcher
