// The five calls of MEC 016 clause 7 that a device application makes, as functions. A refusal of
// the orchestrator is an Error with the problem's detail, cause kRefusal, and as internal text the
// status and the problem's type, if it told one: "403 urn:mx2:problem:no-host".
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "api/base/result.h"
#include "api/http/http_client.h"
#include "api/mx2/types.h"
#include "mx2-client/src/notification.h"

namespace mx2::device {

inline constexpr const char* kRefusal = "refusal";

struct Created {
  AppContext context;
  std::optional<std::uint64_t> revision;
};

class Mx2Api {
 public:
  // `url`: scheme, authority and perhaps a path, before /dev_app/v1.
  explicit Mx2Api(const std::string& url);

  [[nodiscard]] std::string context_url(const std::string& context_id) const;
  [[nodiscard]] Result<std::vector<AppInfo>> list(http::Client& http,
                                                  const std::vector<std::string>& names,
                                                  const std::vector<std::string>& providers) const;
  [[nodiscard]] Result<Created> create(http::Client& http, const AppContext& context) const;
  // The reply, for its status.
  [[nodiscard]] Result<http::Reply> update(http::Client& http, const AppContext& context) const;
  // Fine, too, when there is no such context.
  [[nodiscard]] Result<void> remove(http::Client& http, const std::string& context_id) const;

 private:
  std::string root_;
};

// What a reply other than the one hoped for means.
[[nodiscard]] Error refusal(const http::Reply& reply);
[[nodiscard]] std::optional<std::uint64_t> revision_of(const http::Reply& reply);

}  // namespace mx2::device
