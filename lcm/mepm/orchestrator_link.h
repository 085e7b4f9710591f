// The tie to the orchestrator: this host registers with a lease, and reports its load, which renews
// it. Whoever does not know us any more (404) is registered with again; who is away is tried again
// for ever. One step at a time; the loop's thread alone.
//
// A host has one MEPM, which the orchestrator knows again by its key, wherever it is reached: of
// two with the same host id the second is refused (409) while the first reports. It says so, and
// goes on trying; its instances are left alone.
//
// Each answer tells the identity and epoch of the orchestrator's store. The newest is kept, over
// restarts too, and told with every report and in /health: whoever starts on an old copy of that
// store is told so. What an orchestrator answers is done whatever its epoch.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "api/base/clock.h"
#include "api/base/ids.h"
#include "api/http/async_client.h"
#include "api/operator/backup.h"
#include "api/operator/types.h"
#include "lcm/mepm/package_server.h"

namespace mx2::mepm {

struct LinkOptions {
  int lease_ms = 3000;
  int report_ms = 1000;
  int retry_ms = 250;  // after the first failure; doubles up to
  int retry_ms_max = 5000;
};

class OrchestratorLink {
 public:
  // `load` gives the body of a report.
  OrchestratorLink(OrchestratorAccess access, HostRegistration host, LinkOptions options,
                   http::AsyncClient& http, const SteadyClock& clock,
                   std::function<std::string()> load);

  void set_mepm_uri(const std::string& uri) { host_.mepm_uri = uri; }
  void set_key(const std::string& key) { host_.mepm_key = key; }
  [[nodiscard]] const std::string& key() const { return host_.mepm_key; }
  // Where the store that is known is kept; reads it.
  void remember_store_in(const std::string& file);
  void step();
  [[nodiscard]] std::int64_t next_due_ms() const;
  // For /health: "registered", "unregistered" or "none" (there is no orchestrator), and why.
  [[nodiscard]] std::string state() const;
  [[nodiscard]] std::string last_error() const { return last_error_; }
  // The newest store that is known, if any; the reports that were answered in this life, and when
  // the last was, by the clock of the constructor.
  struct Known {
    std::optional<StoreEpoch> store;
    std::uint64_t reports = 0;
    std::int64_t reported_ms = 0;
  };
  [[nodiscard]] const Known& known() const { return known_; }

 private:
  void put(const std::string& path, std::string body);
  void take(const Result<http::Reply>& reply);
  void learn_store(const http::Reply& reply);
  void failed(const std::string& why);
  void register_again(const http::Reply& reply);

  OrchestratorAccess access_;
  HostRegistration host_;
  LinkOptions options_;
  http::AsyncClient& http_;
  const SteadyClock& clock_;
  std::function<std::string()> load_;
  bool registered_ = false;
  bool asking_ = false;
  int retry_ms_ = 0;
  std::int64_t due_ms_ = 0;
  std::string last_error_;
  std::string store_file_;  // empty: it is not kept
  Known known_;
  bool told_old_ = false;  // that the orchestrator's store is older than the one known
};

// "<identity>/<number of this life>", the identity made in the first and kept in the file "key" of
// the state directory. If it cannot be kept it holds for this life.
[[nodiscard]] std::string persistent_key(const std::string& state_dir, IdGenerator& ids);

}  // namespace mx2::mepm
