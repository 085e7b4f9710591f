// The configuration read again while the program runs, as SIGHUP asks for it.
//
// Threads: one at a time.
#pragma once

#include <string>
#include <vector>

#include "orchestrator/orchestrator.h"

namespace mx2 {

// What only --check-config and a reload seek: problems of the files that a configuration names.
[[nodiscard]] std::vector<std::string> problems_of_files(
    const config::Loaded<OrchestratorOptions>& read);

// Keys, by their dotted names, that are not the same in two configurations. Secrets count by what
// their files say.
[[nodiscard]] std::vector<std::string> changed_keys(
    const config::Loaded<OrchestratorOptions>& running,
    const config::Loaded<OrchestratorOptions>& read);

class Reloader {
 public:
  // `started`: as `file` said at the start; `file` is empty where there is none.
  Reloader(const config::Loaded<OrchestratorOptions>& started, std::string file,
           Orchestrator& orchestrator)
      : started_(started), taken_(started), file_(std::move(file)), orchestrator_(orchestrator) {}

  // Reads the file and judges it as --check-config does. A bad one changes nothing, and the log
  // says what is wrong and where. Of a good one each key that differs is told: taken over, or
  // waiting for a restart. Says whether it was good.
  bool reload();

 private:
  void take_over(config::Loaded<OrchestratorOptions> read);

  const config::Loaded<OrchestratorOptions> started_;
  config::Loaded<OrchestratorOptions> taken_;  // the last good one
  const std::string file_;
  Orchestrator& orchestrator_;
};

}  // namespace mx2
