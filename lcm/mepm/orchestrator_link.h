// The tie to the orchestrator: this host registers with a lease, and reports its load, which renews
// it. Whoever does not know us any more (404) is registered with again; who is away is tried again
// for ever. One step at a time; the loop's thread alone.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "api/base/clock.h"
#include "api/http/async_client.h"
#include "lcm/mepm/package_server.h"

namespace mx2::mepm {

struct HostDescription {
  std::string id = "host";
  std::string name;
  std::string zone;
  std::map<std::string, std::string> labels;
  std::string mepm_uri;  // where the orchestrator reaches us
};

struct LinkOptions {
  int lease_ms = 3000;
  int report_ms = 1000;
  int retry_ms = 250;  // after the first failure; doubles up to
  int retry_ms_max = 5000;
};

class OrchestratorLink {
 public:
  // `load` gives the body of a report.
  OrchestratorLink(OrchestratorAccess access, HostDescription host, LinkOptions options,
                   http::AsyncClient& http, const Clock& clock, std::function<std::string()> load);

  void set_mepm_uri(const std::string& uri) { host_.mepm_uri = uri; }
  void step();
  [[nodiscard]] std::int64_t next_due_ms() const;
  // For /health: "registered", "unregistered" or "none" (there is no orchestrator), and why.
  [[nodiscard]] std::string state() const;
  [[nodiscard]] std::string last_error() const { return last_error_; }

 private:
  void put(const std::string& path, std::string body);
  void take(const Result<http::Reply>& reply);
  void failed(const std::string& why);

  OrchestratorAccess access_;
  HostDescription host_;
  LinkOptions options_;
  http::AsyncClient& http_;
  const Clock& clock_;
  std::function<std::string()> load_;
  bool registered_ = false;
  bool asking_ = false;
  int retry_ms_ = 0;
  std::int64_t due_ms_ = 0;
  std::string last_error_;
};

[[nodiscard]] std::string encode_registration(const HostDescription& host, int lease_ms);

}  // namespace mx2::mepm
