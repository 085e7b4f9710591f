#include "optimizer/configuration.h"

#include <sys/stat.h>

#include <algorithm>

#include "api/base/text.h"

namespace mx2::optimizer {
namespace {

// Empty if there is no such file.
std::string stamp_of(const std::string& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0) return {};
  return std::to_string(info.st_ino) + " " + std::to_string(info.st_size) + " " +
         std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec);
}

}  // namespace

Result<Configuration> read_configuration(const config::Document& document,
                                         std::vector<std::string>& files) {
  files = {document.file};
  auto read = read_optimizer_options(document);
  if (!read) return read.error();
  Configuration result{std::move(*read), {}, {}};
  for (const auto& source : result.options.sources) {
    const auto named = source->files();
    files.insert(files.end(), named.begin(), named.end());
  }
  const auto& file = result.options.topology_file;
  if (!file.empty()) {
    files.push_back(file);
    const auto topology = config::read_yaml_file(file, &result.problems);
    if (!topology) return topology.error();
    result.topology = read_topology(*topology);
    files.insert(files.end(), result.topology.files.begin(), result.topology.files.end());
  }
  for (const auto& source : result.options.sources) {
    if (auto added = source->add_to(result.topology); !added) return added.error();
  }
  const auto& problems = result.topology.problems;
  result.problems.insert(result.problems.end(), problems.begin(), problems.end());
  result.files = files;
  return result;
}

std::string needs_restart(const OptimizerOptions& running, const OptimizerOptions& read) {
  std::string names;
  const auto differs = [&names](const char* name, bool different) {
    if (different) names += (names.empty() ? "" : ", ") + std::string(name);
  };
  differs("server.address", running.server.address != read.server.address);
  differs("server.port", running.server.port != read.server.port);
  differs("server.token_file", running.token != read.token);
  differs("metrics.token_file", running.monitoring.token != read.monitoring.token);
  differs("metrics.open", running.monitoring.open != read.monitoring.open);
  differs("orchestrator.url", running.orchestrator.url != read.orchestrator.url);
  differs("orchestrator.token_file", running.orchestrator.token != read.orchestrator.token);
  differs("orchestrator.ca_file", running.orchestrator.ca_file != read.orchestrator.ca_file);
  for (std::size_t i = 0; i < std::min(running.sources.size(), read.sources.size()); ++i) {
    running.sources[i]->compare(*read.sources[i], differs);
  }
  differs("leader.lease_ms", running.leader.lease_ms != read.leader.lease_ms);
  differs("leader.url", running.leader.url != read.leader.url);
  differs("log.level", running.log.level != read.log.level);
  differs("log.format", running.log.format != read.log.format);
  return names;
}

ConfigurationWatch::ConfigurationWatch(std::string file, std::vector<std::string> files)
    : file_(stamp_of(file).empty() ? std::string() : std::move(file)), files_(std::move(files)) {
  std::sort(files_.begin(), files_.end());
  read_ = seen_ = stamps();
}

ConfigurationWatch::Stamps ConfigurationWatch::stamps() const {
  Stamps result;
  for (const auto& file : files_) result[file] = stamp_of(file);
  return result;
}

bool ConfigurationWatch::look() {
  if (file_.empty()) return false;
  auto now = stamps();
  const bool at_rest = now == seen_;
  seen_ = std::move(now);
  return at_rest && seen_ != read_;
}

std::optional<Result<Configuration>> ConfigurationWatch::read() {
  if (file_.empty()) return std::nullopt;
  read_ = seen_ = stamps();
  const auto document = config::read_yaml_file(file_);
  if (!document) return document.error();
  std::vector<std::string> files;
  auto result = read_configuration(*document, files);
  // What is wrong may be in any of the files that were read before.
  if (!result) files.insert(files.end(), files_.begin(), files_.end());
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  if (files != files_) {
    files_ = files;
    read_ = seen_ = stamps();
  }
  if (result && !result->problems.empty()) {
    return invalid_argument(join(result->problems, "\n"));
  }
  return result;
}

}  // namespace mx2::optimizer
