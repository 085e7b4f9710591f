// Section `advantedge` of the optimizer's configuration: a scenario in a file, or the one that is
// active in a sandbox.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "optimizer/advantedge/live_source.h"

namespace mx2::optimizer::advantedge {

// At most one of the two.
struct Options final : SourceOptions {
  std::string scenario_file;
  std::string header_file;  // what access.headers are from
  std::string ca_file;      // PEM; empty: the certificates of the system
  LiveOptions live;
  int timeout_ms = 5000;

  [[nodiscard]] bool is_live() const { return !live.access.sandbox_ctrl_url.empty(); }

  [[nodiscard]] std::vector<std::string> files() const override;
  [[nodiscard]] Result<void> add_to(Topology& topology) const override;
  void compare(const SourceOptions& read, const Differs& differs) const override;
  [[nodiscard]] std::unique_ptr<TopologySource> make(const SteadyClock& steady,
                                                     const SystemClock& wall,
                                                     std::function<void()> wake) const override;
};

[[nodiscard]] std::shared_ptr<const Options> read_options(config::Reader& reader);

}  // namespace mx2::optimizer::advantedge
