// What whoever works on the orchestrator's state needs.
#pragma once

#include "api/base/clock.h"
#include "api/base/ids.h"
#include "orchestrator/core/change_feed.h"
#include "orchestrator/core/relocation.h"
#include "orchestrator/domain/model.h"
#include "orchestrator/store/store.h"

namespace mx2 {

// All must outlive whoever holds it.
struct Core {
  LiveModel& model;
  Store& store;
  const Clock& clock;
  IdGenerator& ids;
  ChangeFeed& changes;     // who is told of a change,
  Relocation& relocation;  // and how contexts follow it
};

}  // namespace mx2
