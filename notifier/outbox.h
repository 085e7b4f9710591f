// The outbox: notifications that are owed, behind a seam.
//
// Pattern: transactional outbox. Whoever changes a context, or a package, writes what its device
// application, or a subscriber, must be told in the same transaction; a relay reads the outbox,
// delivers, and says how it went. There is at most one entry for each context and topic: a newer
// one takes the place of one that is still owed (the latest wins). So whoever writes it must tell
// all that the other would have told, and what is owed is true for as long as it is there.
//
// Times are dates (milliseconds since 1970), as they outlive the process; whoever reads them must
// know that the date may have been set meanwhile.
//
// Real: orchestrator/store. Tests use the same, or a scripted one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/base/result.h"

namespace mx2::notifier {

// What a notification is about. No notification of MEC 016 tells of both instances and locations,
// so neither may take the place of the other. Stored as numbers: append.
enum class Topic : std::uint8_t {
  kInstances,  // of the context: their addresses, their list, their end
  kLocations,  // that have become available
  kPackages,   // to a subscriber of MEC 010-2: what a package is now. An operator's own system, so
               // unlike a device application's its callback may lead anywhere
};

struct OutboxEntry {
  std::string context_id;  // kPackages: "<subscription>/<package>"
  Topic topic = Topic::kInstances;
  std::uint64_t sequence = 0;  // place in the order of writing; new when an entry is replaced
  // Of the context, when it was written; from find(), the one of now. kPackages: none.
  std::uint64_t revision = 0;
  std::string callback_reference;
  std::string type;             // notificationType
  std::string body;             // the notification
  std::int64_t created_ms = 0;  // of the context
  std::int64_t written_ms = 0;  // of the entry
  std::int64_t due_ms = 0;      // not to be sent before
  std::uint32_t attempts = 0;
  std::int64_t waited_ms = 0;  // while relays ran, until the last attempt; no date is in it
  bool dead = false;           // given up; an operator may have it tried again
  std::string last_error;      // of the last attempt
};

// How an attempt ended. Means nothing when the entry has been replaced meanwhile: `sequence` tells.
struct Outcome {
  enum class Kind : std::uint8_t { kDelivered, kRetry, kDead };
  Kind kind = Kind::kDelivered;
  std::string context_id;
  std::uint64_t sequence = 0;
  std::int64_t due_ms = 0;  // kRetry: not before
  std::uint32_t attempts = 0;
  std::string error;  // kRetry, kDead
  std::int64_t waited_ms = 0;
};

class Outbox {
 public:
  virtual ~Outbox() = default;

  // The lease: true when this relay is the one that sends, now and until it ends. Two relays on one
  // outbox would have two notifications of one context in flight.
  [[nodiscard]] virtual bool hold_lease() = 0;

  // Living entries written after `sequence`, in order, at most `limit`. May wait for the disk.
  [[nodiscard]] virtual Result<std::vector<OutboxEntry>> read(std::uint64_t after_sequence,
                                                              std::size_t limit) = 0;

  // The entry of a context, as it is now; nothing when nothing is owed any more, or it is dead. It
  // is true, so it has the revision of now: whatever order entries are sent in, and however often,
  // a receiver sees revisions grow.
  [[nodiscard]] virtual Result<std::optional<OutboxEntry>> find(const std::string& context_id,
                                                                Topic topic) = 0;

  // Keeps what became of attempts. Never waits for the disk; what cannot be stored is tried again
  // with the next call, also one without outcomes, so that an entry is sent twice rather than
  // never.
  virtual void settle(std::vector<Outcome> outcomes) = 0;
};

}  // namespace mx2::notifier
