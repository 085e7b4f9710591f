// A sandbox of AdvantEDGE as the optimizer uses it: sandbox-ctrl for the active scenario, the
// location service (ETSI GS MEC 013 V2) for being told of UEs that move. Blocking; one thread at a
// time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/http/http_client.h"
#include "api/json/json.h"

namespace mx2::optimizer::advantedge {

// Where its services are. Roots without the service's own path and without a '/' at the end.
struct SandboxAccess {
  std::string sandbox_ctrl_url;  // …/sandbox-ctrl/v1 is appended
  std::string location_url;      // …/location/v2
  http::Headers headers;         // sent with every request, e.g. a session cookie
};

class SandboxClient {
 public:
  struct Subscription {
    std::string id;
    std::string zone;
    std::string callback;  // notifyURL
    std::string tag;       // callbackData, which each notification repeats
  };

  // `http` must outlive this.
  SandboxClient(http::Client& http, SandboxAccess access)
      : http_(http), access_(std::move(access)) {}

  // The document of the active scenario, as text; nothing if none is active.
  [[nodiscard]] Result<std::optional<std::string>> active();
  [[nodiscard]] Result<json::Value> pdu_sessions();

  // Of zonal traffic, anybody's.
  [[nodiscard]] Result<std::vector<Subscription>> subscriptions();
  // The location service chooses the id.
  [[nodiscard]] Result<void> subscribe(const Subscription& subscription);
  [[nodiscard]] Result<void> unsubscribe(const std::string& id);

 private:
  [[nodiscard]] Result<http::Reply> ask(const std::string& method, const std::string& url,
                                        const std::string& body = {});

  http::Client& http_;
  SandboxAccess access_;
};

}  // namespace mx2::optimizer::advantedge
