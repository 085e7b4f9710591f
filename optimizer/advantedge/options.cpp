#include "optimizer/advantedge/options.h"

#include "api/base/text.h"

namespace mx2::optimizer::advantedge {
namespace {

constexpr std::int64_t kLossUsMax = 3'600'000'000;

// "Name: value", from a file, as it may be a session's cookie.
void read_header(config::Reader& reader, http::Headers& headers) {
  std::string content;
  reader.secret_file("advantedge.header_file", content);
  const auto line = trim(std::string_view(content).substr(0, content.find('\n')));
  if (line.empty()) return;
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    return reader.fail("advantedge.header_file", "must hold a line as \"Cookie: name=value\"");
  }
  headers.emplace_back(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
}

}  // namespace

std::shared_ptr<const Options> read_options(config::Reader& reader) {
  auto options = std::make_shared<Options>();
  auto& live = options->live;
  std::string url;
  reader.file("advantedge.scenario_file", options->scenario_file);
  reader.url("advantedge.url", url);
  reader.url("advantedge.sandbox_ctrl_url", live.access.sandbox_ctrl_url);
  reader.url("advantedge.location_url", live.access.location_url);
  reader.ca_file("advantedge.ca_file", options->ca_file);
  reader.file("advantedge.header_file", options->header_file);
  read_header(reader, live.access.headers);
  reader.integer("advantedge.poll_ms", live.poll_ms, 10, 3600000);
  reader.integer("advantedge.timeout_ms", options->timeout_ms, 100, 600000);
  reader.url("advantedge.callback_url", live.callback_url);
  reader.integer("advantedge.jitter_percent", live.terms.jitter_percent, 0, 10000);
  reader.integer("advantedge.loss_us_per_percent", live.terms.loss_us_per_percent, 0, kLossUsMax);
  reader.choice("advantedge.edge_edge", live.terms.edge_edge, kEdgeEdges);
  for (auto* root : {&live.access.sandbox_ctrl_url, &live.access.location_url}) {
    if (root->empty()) *root = url;
  }
  if (options->is_live() && !options->scenario_file.empty()) {
    reader.fail("advantedge.scenario_file", "is a file; leave it empty, or the url");
  }
  if (!live.callback_url.empty() && options->is_live() && live.access.location_url.empty()) {
    reader.fail("advantedge.callback_url", "needs the location service: url or location_url");
  }
  return options;
}

std::vector<std::string> Options::files() const {
  std::vector<std::string> files;
  for (const auto& file : {header_file, scenario_file}) {
    if (!file.empty()) files.push_back(file);
  }
  return files;
}

Result<void> Options::add_to(Topology& topology) const {
  if (scenario_file.empty()) return {};
  const auto scenario = read_scenario_file(scenario_file);
  if (!scenario) return scenario.error();
  topology = merged(topology, topology_of(*scenario, live.terms));
  return {};
}

void Options::compare(const SourceOptions& read, const Differs& differs) const {
  const auto* other = dynamic_cast<const Options*>(&read);
  if (other == nullptr) return;
  const auto& is = other->live;
  differs("advantedge.url", live.access.sandbox_ctrl_url != is.access.sandbox_ctrl_url ||
                                live.access.location_url != is.access.location_url);
  differs("advantedge.ca_file", ca_file != other->ca_file);
  differs("advantedge.callback_url", live.callback_url != is.callback_url);
  differs("advantedge.poll_ms", live.poll_ms != is.poll_ms || timeout_ms != other->timeout_ms);
  differs("advantedge.jitter_percent", other->is_live() && !(live.terms == is.terms));
}

}  // namespace mx2::optimizer::advantedge
