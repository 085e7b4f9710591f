// The addresses of host names, looked up on the loop of whoever calls step(), and again every 30 s.
// All names are looked up beside each other, a few more in each step, so that no name server gets
// more at once than its socket holds: however many nobody answers for, they hold up no other. A
// name keeps the address it had while that is one of those it has now, or none is found. Addresses
// that are not is_callable() are none.
//
// Threads: step(), fd() and wait_ms() are for one; the rest for any. Nothing waits.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "api/base/clock.h"
#include "api/http/resolver.h"

namespace mx2::dispatcher {

class Names {
 public:
  using Addresses = std::map<std::string, std::string>;  // by name; empty: it has none

  static constexpr std::int64_t kAgainMs = 30'000;
  static constexpr std::size_t kMoreInStep = 64;

  // `servers` as in ResolverOptions. Throws as Resolver does. `clock` must outlive this.
  explicit Names(const SteadyClock& clock, const std::string& servers = {});

  // Those that are used, each once. Others are forgotten.
  void want(const std::vector<std::string>& names);

  // Begins to look up what is due, and takes answers.
  void step();
  // Readable when step() has something to do,
  [[nodiscard]] int fd() const { return resolver_.fd(); }
  // and it has, at the latest, after so long.
  [[nodiscard]] int wait_ms(int most) const;

  // Of those that have been looked up.
  [[nodiscard]] Addresses known() const;
  // Another number after each change of known().
  [[nodiscard]] std::uint64_t version() const;

 private:
  struct Name {
    std::string address;
    bool known = false;  // it has been looked up
    bool asked = false;
    std::int64_t due_ms = 0;
  };

  [[nodiscard]] std::vector<std::string> take_due();
  void take(const std::string& name, const Result<http::Resolver::Addresses>& found);

  const SteadyClock& clock_;
  http::Resolver resolver_;
  bool more_due_ = false;
  mutable std::mutex mutex_;
  std::map<std::string, Name> names_;
  std::uint64_t version_ = 0;
};

}  // namespace mx2::dispatcher
