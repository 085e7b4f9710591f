// Names to addresses without waiting, on the loop of whoever has a Resolver:
//
//   resolver.look_up(name, done);
//   while (running) { wait until fd() is readable, at most wait_ms(); resolver.step(); }
//
// libcurl as Debian builds it resolves in a thread that it waits for when a transfer ends, so that
// one slow name stops every transfer beside it.
//
// Names are looked up in /etc/hosts, then in DNS as /etc/resolv.conf says, which is read again when
// it changes; nsswitch.conf and what else it names (mDNS, NIS) are not asked. "localhost" is this
// machine, and nothing below "invalid" exists (RFC 6761). One look-up at a time for each name,
// however many ask. A good answer is kept as long as its TTL says, within bounds; a bad one for a
// moment. While the servers do not answer, what they said last goes on for a while (RFC 8767).
//
// Errors, their cause kUnreachable unless it says otherwise:
//   kUnavailable (cause kNoSuchName)       the name does not exist now
//   kUnavailable (cause kImpossibleName)   it never can
//   kUnavailable                       this could not be found out, or it has no address
//   kDeadlineExceeded                  not in time
//
// Threads: one.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/base/callback.h"
#include "api/base/clock.h"
#include "api/base/fd.h"
#include "api/base/ip.h"
#include "api/base/result.h"

namespace mx2::http {

inline constexpr const char* kNoSuchName = "no-such-name";
inline constexpr const char* kImpossibleName = "impossible-name";

struct ResolverOptions {
  int timeout_ms = 5000;           // for an answer; what comes later is kept for the next who asks
  std::size_t at_once_max = 1000;  // names being looked up; more wait for their turn
  std::size_t known_max = 10'000;  // names remembered
  std::string servers;             // "127.0.0.1:5353,…": instead of those of /etc/resolv.conf
};

class Resolver {
 public:
  using Addresses = std::vector<IpAddress>;  // in the order of preference (RFC 6724); at least one
  using Done = Callback<Result<Addresses>>;

  // Throws std::runtime_error when c-ares cannot be used. `clock` must outlive it.
  Resolver(ResolverOptions options, const SteadyClock& clock);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // `done` is called from within step(), once; never from within look_up().
  void look_up(const std::string& name, Done done);
  [[nodiscard]] int fd() const { return epoll_.get(); }
  [[nodiscard]] int wait_ms(int timeout_ms) const;
  void step();

 private:
  struct Channel;
  struct Query;
  struct Name {
    std::vector<Done> askers;
    std::int64_t deadline_ms = 0;  // of the askers
    bool asked = false;            // c-ares works on it
    bool queued = false;           // it will
    Addresses addresses;
    std::int64_t good_until_ms = 0;
    std::int64_t stale_until_ms = 0;
    std::optional<Error> failure;
    std::int64_t failed_until_ms = 0;
  };

  [[nodiscard]] std::optional<Result<Addresses>> known(const Name& name) const;
  void ask(const std::string& text, Name& name);
  void ask_queued();
  void begin(const std::string& text);
  void ended(const std::string& text, int status, Addresses addresses, std::int64_t ttl_s);
  void found(Name& name, Addresses addresses, std::int64_t ttl_s);
  void failed(Name& name, Error error, std::int64_t for_ms);
  void expire();
  void answer();
  void forget_idle();
  void follow_resolv_conf();

  const ResolverOptions options_;
  const SteadyClock& clock_;
  Fd epoll_;
  std::unique_ptr<Channel> channel_;
  std::unordered_map<std::string, Name> names_;
  std::deque<std::string> queue_;
  std::deque<std::pair<std::int64_t, std::string>> deadlines_;  // in order: all wait equally long
  std::vector<std::string> answered_;                           // names whose askers can be told
  std::size_t asked_ = 0;
  std::int64_t looked_ms_ = 0;  // at /etc/resolv.conf
  std::int64_t read_ns_ = 0;    // when it was written, as it was read
};

}  // namespace mx2::http
