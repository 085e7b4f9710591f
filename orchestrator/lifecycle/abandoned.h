// Contexts of an app that no host serves any more, nor could: they end after `abandon_ms`, if that
// is wanted. Only those at hosts whose λ we start: what operators put they take away themselves.
//
// That we do not reach a host says nothing of the λ there, which device applications reach by
// another way: as long as one is listed there, unless an operator says that the host is down, it
// may serve.
//
// Threads: that of Lifecycle.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "orchestrator/mx2/procedures.h"

namespace mx2 {

class AbandonedContexts {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // (appDId, host) -> contexts there, or that the table leads there.
  using Clients = std::map<std::pair<std::string, std::string>, std::size_t>;

  // `abandon_ms` 0: contexts do not end.
  AbandonedContexts(Core& core, ContextLedger& ledger, int abandon_ms)
      : core_(core), ledger_(ledger), abandon_(std::chrono::milliseconds(abandon_ms)) {}

  // Which apps are abandoned now.
  void look(const Clients& clients, Time now);
  // Ends the next few, as background work, when those before have ended.
  void step();

 private:
  // Of what was submitted; counted on the store's thread.
  struct Count {
    std::atomic<std::size_t> outstanding = 0;
    std::atomic<std::size_t> ended = 0;
  };
  struct Ending {
    std::string cursor;
    bool begun = false;
    std::shared_ptr<Count> count = std::make_shared<Count>();
  };

  // False when there is nothing more to do.
  bool end_some(const std::string& app_d_id, Ending& ending);

  Core& core_;
  ContextLedger& ledger_;
  const std::chrono::milliseconds abandon_;
  std::map<std::string, Time> since_;      // appDId
  std::map<std::string, Ending> endings_;  // likewise
};

}  // namespace mx2
