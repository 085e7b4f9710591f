// At start, when the store is loaded and before anybody is served or told anything: is this the
// store that our peers know, and does nobody else work on a copy of it? Then it begins a new epoch.
//
// Refused is a start
//   - while another process of this machine has a store of the same identity;
//   - when more than half of the MEPMs that answer, and at least two, know a newer epoch of it,
//     unless `mx2ctl restore` has put it there;
//   - when it was begun elsewhere before, and that many go on reporting to another orchestrator.
// Less is told in the log. A MEPM that does not answer within a second says nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/base/clock.h"
#include "api/base/fd.h"
#include "api/base/result.h"
#include "api/http/async_client.h"
#include "orchestrator/store/store.h"

namespace mx2 {

struct StorePeer {
  std::string host_id;
  std::string mepm_uri;
};

struct Peers {
  std::vector<StorePeer> all;
  std::string token;  // which opens their health; empty: none is needed
};

struct BegunEpoch {
  StoreEpoch epoch;
  Fd claim;  // held for as long as the store is used
};

// Blocking, in the caller's thread; `path` is the store's. unavailable: why not, and what to do.
[[nodiscard]] Result<BegunEpoch> begin_epoch(Store& store, const Store::Loaded& loaded,
                                             const std::string& path, const Peers& peers,
                                             http::AsyncClient& client, const SystemClock& clock);

}  // namespace mx2
