// One λ in several domains, each with an orchestrator of its own: the machine's, the site's, the
// city's, a distant cloud's. The best that can be reached is called, and a function of the
// application itself when none can:
//
//   mx2::client::Domains domains(
//       {.domains = {{.url = "http://edge:8080"}, {.url = "http://cloud:8080"}},
//        .local = [](auto picture, auto&) { return small_detector(picture); }},
//       {.app_name = "facedetect"});
//   auto reply = domains.invoke(picture, "image/jpeg");
//
// A domain is confirmed while it has given a context with an endpoint that answers. Confirmed ones
// are ranked by the measured round trip to their endpoints (OPTIONS, each look_interval). Whoever
// fails a call is left alone for a second, which doubles, up to 30, with each call that fails after
// that; a call that does not fail ends it.
//
// Errors, threads, callbacks, signals: as client.h says. A Domains has one thread for each domain,
// and one more from the first change on that on_change is told. on_change is a callback as
// on_move() is; the local function runs in the thread that is in invoke(). In both everything may
// be called, and the Domains may be moved, closed and destroyed.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client.h"

namespace mx2::client {

struct DomainChange {
  std::string from;  // url of the domain; empty: none, calls went to the local function
  std::string to;    // likewise
};

struct DomainStatus {
  std::string url;
  bool confirmed = false;
  std::string endpoint;                  // of its context; empty: none
  std::chrono::microseconds latency{0};  // of a round trip; 0: not measured yet
  std::string last_error;                // why it is not confirmed
};

struct DomainsOptions {
  using Local = std::function<Result<Reply>(std::string_view payload, const std::string& type)>;
  using Changed = std::function<void(const DomainChange& change)>;

  std::vector<ClientOptions> domains{};  // 1 to 16; the earlier wins where latencies are alike
  // Called, from invoke() and perhaps several times at once, when no domain can serve. Lives until
  // close(), or until it has returned. Empty: there is none.
  Local local{};
  // Called after each change of the domain that is called first. Lives until close().
  Changed on_change{};
  std::chrono::milliseconds look_interval{1000};  // between two measurements of a domain
  double gain = 0.2;  // share by which another domain has to be faster to take over
};

class MX2_CLIENT_API Domains {
 public:
  // Returns at once; domains are asked for contexts in the background. `request` is the same for
  // all, but with an empty device_app_id each gets another one.
  Domains(DomainsOptions options, ContextRequest request);
  ~Domains();  // close()
  Domains(Domains&&) noexcept;
  Domains& operator=(Domains&&) noexcept;

  // Context::invoke() of the best domain, then of the next, then the local function, whose Reply
  // has the endpoint "local". An answer with one of a domain's moved_statuses counts as a failure
  // unless nobody has a better one, or it is the λ's own as Context::invoke() says. kUnreachable:
  // there is nobody to call. kInvalidArgument: the options or the content type are wrong, nobody
  // was called.
  Result<Reply> invoke(std::string_view payload,
                       const std::string& content_type = "application/octet-stream");

  // The url of the domain that is called first; empty: none is confirmed.
  [[nodiscard]] std::string current() const;
  // In the order of the options.
  [[nodiscard]] std::vector<DomainStatus> status() const;
  // Waits until a domain is confirmed; false: none is, after `timeout`.
  bool wait_for_domain(std::chrono::milliseconds timeout) const;

  // Deletes all contexts. Idempotent; later calls are kClosed, and those under way unless they get
  // a good answer. Takes no longer than the greatest ClientOptions::timeout and 50 ms, after an
  // on_change under way has returned, for which it does not wait inside a callback. Nothing is
  // called back afterwards, but for a local function that an invoke() of another thread is in
  // already.
  void close();

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace mx2::client
