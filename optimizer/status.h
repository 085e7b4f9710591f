// How the optimizer is doing: GET /health and GET /metrics of its own listener, and its log.
// Written by the planning thread, read by the server's.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "api/base/clock.h"
#include "api/base/metrics.h"
#include "api/http/router.h"
#include "optimizer/plan.h"

namespace mx2::optimizer {

class Status {
 public:
  Status(metrics::Registry& registry, const Clock& clock);

  void planned(const Plan& plan, std::int64_t took_ms, const Replica& replica);
  // Logged when it is not the same as the last one.
  void failed(const std::string& detail);

  void add_endpoints(http::Router& router);

 private:
  [[nodiscard]] std::string health() const;

  metrics::Registry& registry_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::string error_;  // empty: the last attempt succeeded
  std::int64_t planned_ms_ = 0;
  std::uint64_t table_version_ = 0;
  std::size_t contexts_ = 0;
  std::size_t hosts_ = 0;
};

}  // namespace mx2::optimizer
