// The configuration as files: optimizer.yaml, and what it names. Read at start, and again when a
// file has changed or on SIGHUP; what is wrong then is refused whole, and what runs goes on.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/base/result.h"
#include "api/config/yaml.h"
#include "optimizer/options.h"

namespace mx2::optimizer {

struct Configuration : config::Loaded<OptimizerOptions> {
  Topology topology;
  std::vector<std::string> files;  // that it was read from, optimizer.yaml first
};

// All errors at once. `files` gets every file that was looked at, also after an error.
[[nodiscard]] Result<Configuration> read_configuration(const config::Document& document,
                                                       std::vector<std::string>& files);

// What cannot be changed while running, named; empty if nothing of it differs.
[[nodiscard]] std::string needs_restart(const OptimizerOptions& running,
                                        const OptimizerOptions& read);

// Looks at the files now and then. Not for several threads at once.
class ConfigurationWatch {
 public:
  // `file` may be empty or no file (defaults): nothing is watched.
  ConfigurationWatch(std::string file, std::vector<std::string> files);

  // True if it should be read again: some file has changed, and none any more since the last look,
  // so that a file is not read while it is being written.
  [[nodiscard]] bool look();
  // Nothing: there is no file. Problems, as of entries of the topology that cannot be used, are
  // errors here, as something better is running.
  [[nodiscard]] std::optional<Result<Configuration>> read();
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  using Stamps = std::map<std::string, std::string>;  // what changes when the file does
  [[nodiscard]] Stamps stamps() const;

  std::string file_;
  std::vector<std::string> files_;
  Stamps read_;
  Stamps seen_;
};

}  // namespace mx2::optimizer
