// The Optimizer of a real run.
#include <fmt/format.h>

#include <csignal>

#include "emulator/real/system.h"
#include "emulator/topology_of.h"

namespace mx2::emulator {

// It plans when it is told (SIGHUP, after the file), and never of itself.
Result<void> System::start_optimizer() {
  if (!scenario_->strategy.has_optimizer()) return {};
  const auto& s = scenario_->optimizer.stability;
  if (auto written = write("topology.yaml", topology_text({})); !written) return written;
  auto started = configured(
      "mx2-optimizer", "optimizer",
      fmt::format("orchestrator: {{url: \"{}\", wait_ms: 20}}\nserver: {{port: 0}}\n"
                  "period_ms: 3600000\npolicy: {}\n"
                  "trigger: {{load_percent: 100, attachment_percent: 100, interval_ms: 86400000}}\n"
                  "stability: {{enabled: {}, gain_us_min: {}, gain_percent_min: {}, dwell_ms: {}, "
                  "moves_max: {}}}\ntopology: {{file: \"{}\"}}\n",
                  operator_url_, scenario_->optimizer.policy, s.enabled, s.gain_us_min,
                  s.gain_percent_min, s.dwell_ms, s.moves_max, path("topology.yaml")));
  if (!started) return started.error();
  optimizer_ = std::move(*started);
  return find_url(optimizer_, " http=", optimizer_url_);
}

std::string System::topology_text(const std::vector<std::uint32_t>& cell_of_ue) const {
  const auto topology = topology_of(*scenario_, *network_);
  std::string text = "hosts:\n";
  for (const auto& [id, host] : topology.hosts) {
    text += fmt::format("  - {{id: {}, capacity: {}, cores: {}, service_us: {}}}\n", id,
                        *host.capacity, *host.cores, *host.service_us);
  }
  text += "apps:\n";
  for (const auto& [id, app] : topology.apps) {
    text += fmt::format("  - {{id: {}, weight: {}, weight_per: request}}\n", id, app.weight);
  }
  std::vector<std::string> devices(topology.attachments.size());
  for (std::uint32_t ue = 0; ue < cell_of_ue.size(); ++ue) {
    auto& list = devices[cell_of_ue[ue]];
    list += (list.empty() ? "" : ", ") + device_of(ue);
  }
  text += "attachments:\n";
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const auto& at = topology.attachments[i];
    text += fmt::format("  - {{name: {}, prefixes: [{}], devices: [{}]}}\n", at.name,
                        at.prefixes.front().text(), devices[i]);
  }
  text += "latency_ms:\n";
  for (const auto& [name, hosts] : topology.latency_us) {
    text += "  " + name + ":\n";
    for (const auto& [id, us] : hosts) text += fmt::format("    {}: {:.3f}\n", id, us / 1e3);
  }
  return text;
}

Result<void> System::plan(const std::vector<std::uint32_t>& cell_of_ue) {
  if (auto written = write("topology.yaml", topology_text(cell_of_ue)); !written) return written;
  optimizer_.signal(SIGHUP);
  return {};
}

// It reads its files again before it looks at what is asked of it: the second plan has the cells,
// whenever the signal came. Until it leads it refuses.
Result<void> System::plan_and_wait(const std::vector<std::uint32_t>& cell_of_ue) {
  if (auto told = plan(cell_of_ue); !told) return told;
  http::CurlClient client({});
  int planned = 0;
  const bool knows = wait_until(optimizer_, [&] {
    const auto reply = client.send("POST", optimizer_url_ + "/plan", {}, "");
    return reply && reply->status == 200 && ++planned == 2;
  });
  if (knows) return {};
  return unavailable("the optimizer does not plan; its log is in " + programs_.work);
}

}  // namespace mx2::emulator
