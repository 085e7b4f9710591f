// A sandbox of AdvantEDGE as the optimizer uses it: sandbox-ctrl for the active scenario, the
// location service (ETSI GS MEC 013 V2) for being told of UEs that move. Blocking; one thread at a
// time, but for set_headers().
#pragma once

#include <mutex>
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
    std::string callback;    // notifyURL
    std::string tag;         // callbackData, which each notification repeats
    std::string correlator;  // clientCorrelator, which the service only keeps
  };

  // `http` must outlive this.
  SandboxClient(http::Client& http, SandboxAccess access)
      : http_(http), access_(std::move(access)) {}
  // The same sandbox over another client.
  [[nodiscard]] SandboxClient over(http::Client& http) const { return {http, access()}; }
  // Sent with every request from now on. From any thread.
  void set_headers(const http::Headers& headers);

  // The document of the active scenario, as text; nothing if none is active. The whole of it: the
  // minimised one has no positions.
  [[nodiscard]] Result<std::optional<std::string>> active();
  [[nodiscard]] Result<json::Value> pdu_sessions();

  // Of zonal traffic, anybody's.
  [[nodiscard]] Result<std::vector<Subscription>> subscriptions();
  // The location service chooses the id.
  [[nodiscard]] Result<void> subscribe(const Subscription& subscription);
  // Also when there is none of this id.
  [[nodiscard]] Result<void> unsubscribe(const std::string& id);

 private:
  // A success, or 404.
  [[nodiscard]] Result<http::Reply> ask(const std::string& method, const std::string& url,
                                        const std::string& body = {});
  [[nodiscard]] Result<json::Value> get(const std::string& url);
  [[nodiscard]] SandboxAccess access() const;

  http::Client& http_;
  mutable std::mutex mutex_;
  SandboxAccess access_;  // its headers under the lock
};

}  // namespace mx2::optimizer::advantedge
