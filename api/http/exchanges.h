// Requests and their replies on one multi handle of libcurl: all that CurlClient and CurlMulti do
// alike. Who has one waits for the network as it likes, with multi(), and calls answer() whenever
// libcurl has worked. Private to api/http.
#pragma once

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/base/callback.h"
#include "api/base/result.h"
#include "api/http/async_client.h"
#include "api/http/curl_support.h"

namespace mx2::http::curl {

using Steady = std::chrono::steady_clock;
using Time = Steady::time_point;

// One request on its way. Reused, with its handle, for later ones.
struct Transfer {
  // What has come of the reply.
  struct Incoming {
    Reply reply;
    std::size_t header_bytes = 0;
    bool head_given = false;     // to the sink
    bool tried = false;          // an address that may be connected to
    bool enough = false;         // we have ended it, and it is a reply nevertheless
    std::optional<Error> error;  // what libcurl does not know of why it failed
  };

  // Throws std::bad_alloc. `options` must outlive it.
  explicit Transfer(const ClientOptions& options);

  const ClientOptions& options;
  OutgoingRequest request;
  std::unique_ptr<Callback<Result<Reply>>> done;
  List headers{nullptr, &curl_slist_free_all};
  List resolved{nullptr, &curl_slist_free_all};  // what the host's name is; none: libcurl finds out
  Time begun;
  Time heard;  // when bytes came last
  Incoming incoming;
  std::array<char, CURL_ERROR_SIZE> error_text{};
  // The last, so that it ends before what it has been given.
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle;
};

class Exchanges {
 public:
  // Throws std::runtime_error when libcurl cannot be used.
  explicit Exchanges(const ClientOptions& options);
  ~Exchanges();
  Exchanges(const Exchanges&) = delete;
  Exchanges& operator=(const Exchanges&) = delete;

  [[nodiscard]] const ClientOptions& options() const { return options_; }
  [[nodiscard]] CURLM* multi() const { return multi_; }

  // What can be started, or refused. Nothing when it cannot be sent, which answer() tells.
  // `lent_body`, if given, is sent in place of the request's, and must stay to the end.
  [[nodiscard]] std::unique_ptr<Transfer> prepare(OutgoingRequest request,
                                                  Callback<Result<Reply>> done,
                                                  const std::string* lent_body = nullptr);
  void start(std::unique_ptr<Transfer> transfer);
  // It is not started; answer() tells.
  void refuse(std::unique_ptr<Transfer> transfer, Error error);
  [[nodiscard]] bool has_refused() const { return !refused_.empty(); }
  // Tells how those went that have ended: `done` is called from here and from nowhere else.
  void answer();
  // Ends all that were started or refused; their `done` is not called.
  void abandon();

  // Of who has one exchange at a time. When bytes of the present one came last, or it was begun.
  [[nodiscard]] Time heard() const { return busy_.begin()->second->heard; }
  // Whether bytes of the last one may have reached the peer.
  [[nodiscard]] bool last_was_sent() const { return last_was_sent_; }

 private:
  std::unique_ptr<Transfer> take_transfer();
  void finish(std::unique_ptr<Transfer> transfer, Result<Reply> result);

  const ClientOptions options_;
  CURLM* multi_ = nullptr;
  std::vector<std::unique_ptr<Transfer>> idle_;
  std::unordered_map<Transfer*, std::unique_ptr<Transfer>> busy_;
  std::vector<std::pair<std::unique_ptr<Transfer>, Error>> refused_;
  bool last_was_sent_ = false;
};

}  // namespace mx2::http::curl
