// One attempt to call a λ: a POST to one endpoint, or to several of which the fastest good answer
// counts. Callable from several threads at once.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "mx2-client/include/mx2/client.h"
#include "mx2-client/src/http_pool.h"

namespace mx2::device {

struct Call {
  std::string body;
  std::string content_type;
};

struct Attempt {
  Result<http::Reply> reply;
  std::string endpoint;
  bool received = true;  // the λ may have seen the request
};

class Invoker {
 public:
  explicit Invoker(const client::ClientOptions& options);

  using IsGood = std::function<bool(const Attempt&)>;

  [[nodiscard]] Attempt call(const std::string& endpoint, const Call& call);
  // The first good answer; the others are cut off. Without one: what `endpoints.front()` came to.
  // `is_good` is asked by several threads, one at a time.
  [[nodiscard]] Attempt race(const std::vector<std::string>& endpoints, const Call& call,
                             const IsGood& is_good);

 private:
  struct Race;
  [[nodiscard]] Attempt call_with(http::CurlClient& http, const std::string& endpoint,
                                  const Call& call) const;
  void run(Race& race, std::size_t index, const Call& call, const IsGood& is_good);

  HttpPool pool_;
};

}  // namespace mx2::device
