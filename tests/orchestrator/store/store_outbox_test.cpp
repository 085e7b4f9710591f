// The outbox in the store: what replaces what, and what an outcome still means.
#include "orchestrator/store/store_outbox.h"

#include <set>

#include "tests/catch.h"
#include "tests/support/units.h"

namespace mx2 {
namespace {

using notifier::OutboxEntry;
using notifier::Outcome;
using test::apply;
using test::entry_of;
using test::StoreInDir;

struct Outboxed {
  StoreInDir files;
  std::unique_ptr<Store> store = files.open().value();

  void reopen() {
    store.reset();
    store = files.open().value();
  }
  std::uint64_t put(const OutboxEntry& entry) {
    REQUIRE(apply(*store, [&](StoreTransaction& tx) { return tx.put_notification(entry); }).ok());
    return store->notification(entry.context_id, entry.topic).value()->sequence;
  }
  void settle(Outcome::Kind kind, const std::string& context_id, std::uint64_t sequence) {
    const Outcome outcome{kind, context_id, sequence, 99, 7, "why", 1234};
    REQUIRE(
        apply(*store, [&](StoreTransaction& tx) { return tx.settle_notification(outcome); }).ok());
  }
  std::size_t revive(const std::string& context_id, std::int64_t now_ms = 500) {
    std::size_t count = 0;
    REQUIRE(apply(*store, [&](StoreTransaction& tx) -> Result<void> {
              auto revived = tx.revive_notifications(context_id, now_ms);
              if (!revived) return revived.error();
              count = *revived;
              return {};
            }).ok());
    return count;
  }
  bool put_alike(const OutboxEntry& entry) {
    bool done = false;
    REQUIRE(apply(*store, [&](StoreTransaction& tx) -> Result<void> {
              const auto put = tx.put_notification_alike(entry);
              if (!put) return put.error();
              done = *put;
              return {};
            }).ok());
    return done;
  }
  [[nodiscard]] std::optional<OutboxEntry> find(const std::string& context_id) const {
    return store->notification(context_id).value();
  }
  [[nodiscard]] std::vector<std::string> living() const {
    std::vector<std::string> ids;
    const auto entries = store->notifications(0, 100).value();
    for (const auto& entry : entries) ids.push_back(entry.context_id);
    return ids;
  }
};

TEST_CASE("outbox: an entry is kept as it was written", "[store][outbox]") {
  Outboxed box;
  box.put(entry_of("c", 5));
  box.reopen();
  const auto found = box.find("c");
  REQUIRE(found);
  const auto written = entry_of("c", 5);
  CHECK(found->revision == 5);
  CHECK(found->callback_reference == written.callback_reference);
  CHECK(found->type == written.type);
  CHECK(found->body == written.body);
  CHECK(found->created_ms == 11);
  CHECK(found->written_ms == 22);
  CHECK(found->due_ms == 33);
  CHECK(found->attempts == 0);
  CHECK_FALSE(found->dead);
  CHECK_FALSE(box.find("d"));
}

TEST_CASE("outbox: a newer entry takes the place of the older, dead or not", "[store][outbox]") {
  for (const auto kind : {Outcome::Kind::kRetry, Outcome::Kind::kDead}) {
    Outboxed box;
    const auto first = box.put(entry_of("c", 1));
    box.put(entry_of("d"));
    box.settle(kind, "c", first);
    const auto second = box.put(entry_of("c", 2));
    CHECK(second > first);
    CHECK(box.living() == std::vector<std::string>{"d", "c"});
    const auto found = box.find("c");
    CHECK(found->body == R"({"revision":2})");
    CHECK(found->attempts == 0);
    CHECK(found->last_error.empty());
    CHECK(box.store->outbox(true, "", 10)->page.items.empty());
  }
}

TEST_CASE("outbox: an outcome of an older entry does nothing to the newer", "[store][outbox]") {
  for (const auto kind : {Outcome::Kind::kDelivered, Outcome::Kind::kRetry, Outcome::Kind::kDead}) {
    Outboxed box;
    const auto old = box.put(entry_of("c", 1));
    const auto now = box.put(entry_of("c", 2));
    box.settle(kind, "c", old);
    const auto found = box.find("c");
    REQUIRE(found);
    CHECK(found->sequence == now);
    CHECK(found->due_ms == 33);
    CHECK(found->attempts == 0);
    box.settle(kind, "d", now);  // nor does one of another context
    CHECK(box.find("c")->attempts == 0);
  }
}

TEST_CASE("outbox: delivered is gone, to be tried again is due later, dead is not read",
          "[store][outbox]") {
  Outboxed box;
  box.settle(Outcome::Kind::kDelivered, "a", box.put(entry_of("a")));
  box.settle(Outcome::Kind::kRetry, "b", box.put(entry_of("b")));
  box.settle(Outcome::Kind::kDead, "c", box.put(entry_of("c")));
  CHECK(box.living() == std::vector<std::string>{"b"});
  CHECK(box.find("b")->due_ms == 99);
  CHECK(box.find("b")->attempts == 7);
  CHECK(box.find("b")->last_error == "why");
  CHECK_FALSE(box.find("c"));
  const auto pending = box.store->outbox(false, "", 10).value();
  CHECK(pending.pending == 1);
  CHECK(pending.dead == 1);
  CHECK(pending.oldest_ms == 22);
  const auto dead = box.store->outbox(true, "", 10).value().page.items;
  REQUIRE(dead.size() == 1);
  CHECK(dead[0].context_id == "c");
  CHECK(dead[0].last_error == "why");
}

TEST_CASE("outbox: an entry takes the place of its like alone, if it says so", "[store][outbox]") {
  for (const bool dead : {false, true}) {
    CAPTURE(dead);
    Outboxed box;
    CHECK(box.put_alike(entry_of("c", 1)));
    CHECK(box.put_alike(entry_of("c", 2)));
    auto other = entry_of("c", 3);
    other.type = "ApplicationContextUpdateNotification";
    CHECK_FALSE(box.put_alike(other));
    CHECK(box.find("c")->revision == 2);
    const auto sequence = box.put(other);
    if (dead) box.settle(Outcome::Kind::kDead, "c", sequence);
    CHECK_FALSE(box.put_alike(entry_of("c", 4)));
    CHECK(box.put_alike(entry_of("d", 1)));
    if (!dead) CHECK(box.find("c")->revision == 3);
    CHECK(box.store->outbox(dead, "", 10)->page.items[0].context_id == "c");
  }
}

// Dates say nothing about it: they may have been set.
TEST_CASE("outbox: how long an entry has waited is kept, and begins anew with a new one",
          "[store][outbox]") {
  Outboxed box;
  box.settle(Outcome::Kind::kRetry, "c", box.put(entry_of("c")));
  box.reopen();
  CHECK(box.find("c")->waited_ms == 1234);
  SECTION("replaced") { box.put(entry_of("c", 2)); }
  SECTION("redirected") {
    REQUIRE(apply(*box.store, [](StoreTransaction& tx) {
              return tx.redirect_notifications("c", "http://other.example/", 500);
            }).ok());
  }
  SECTION("revived") {
    box.settle(Outcome::Kind::kDead, "c", box.find("c")->sequence);
    REQUIRE(box.revive("c") == 1);
  }
  CHECK(box.find("c")->waited_ms == 0);
}

OutboxEntry offer_of(const std::string& context_id, std::uint64_t revision = 1) {
  auto entry = entry_of(context_id, revision);
  entry.topic = notifier::Topic::kLocations;
  entry.type = "ApplicationLocationAvailabilityNotification";
  return entry;
}

TEST_CASE("outbox: a context has an entry for each topic", "[store][outbox]") {
  Outboxed box;
  const auto locations = notifier::Topic::kLocations;
  const auto first = box.put(entry_of("c", 1));
  box.put(offer_of("c", 2));
  CHECK(box.put_alike(entry_of("c", 3)));
  CHECK(box.find("c")->revision == 3);
  const auto offer = box.store->notification("c", locations).value();
  REQUIRE(offer);
  CHECK(offer->revision == 2);
  CHECK(offer->topic == locations);
  const auto all = box.store->notifications(0, 10).value();
  REQUIRE(all.size() == 2);
  CHECK(all[0].topic == locations);
  CHECK(all[1].sequence > first);
  box.settle(Outcome::Kind::kDelivered, "c", all[1].sequence);
  CHECK_FALSE(box.find("c"));
  CHECK(box.store->notification("c", locations).value());
  box.put(entry_of("c", 4));
  const auto remove = [&](auto how) { REQUIRE(apply(*box.store, how).ok()); };
  remove([&](StoreTransaction& tx) { return tx.delete_notification("c", locations); });
  CHECK(box.living() == std::vector<std::string>{"c"});
  CHECK(box.find("c"));
  box.put(offer_of("c", 5));
  box.put(offer_of("d", 5));
  remove([](StoreTransaction& tx) { return tx.delete_notifications("c"); });
  CHECK(box.living() == std::vector<std::string>{"d"});
}

TEST_CASE("outbox: entries of both topics are redirected and revived, in their order",
          "[store][outbox]") {
  for (const bool dead : {false, true}) {
    CAPTURE(dead);
    Outboxed box;
    const auto offer = box.put(offer_of("c", 1));
    const auto update = box.put(entry_of("c", 2));
    box.put(entry_of("d", 1));
    if (dead) {
      box.settle(Outcome::Kind::kDead, "c", update);
      box.settle(Outcome::Kind::kDead, "c", offer);
      CHECK(box.revive("c") == 2);
    } else {
      REQUIRE(apply(*box.store, [](StoreTransaction& tx) {
                return tx.redirect_notifications("c", "http://new.example/", 600);
              }).ok());
    }
    const auto all = box.store->notifications(0, 10).value();
    REQUIRE(all.size() == 3);
    CHECK(all[0].context_id == "d");
    CHECK(all[1].type == offer_of("c").type);
    CHECK(all[2].type == entry_of("c").type);
    for (const auto i : {1, 2}) {
      const auto& entry = all[static_cast<std::size_t>(i)];
      CHECK(entry.callback_reference == (dead ? "http://ue.example/c" : "http://new.example/"));
      CHECK(entry.due_ms == (dead ? 500 : 600));
    }
  }
}

// Sent again after something newer, its number would have said that it is old.
TEST_CASE("outbox: what is sent is true now and has the revision of now", "[store][outbox]") {
  Outboxed box;
  ContextRecord record;
  record.context_id = "c";
  record.revision = 7;
  REQUIRE(apply(*box.store, [&](StoreTransaction& tx) { return tx.insert_context(record); }).ok());
  box.put(entry_of("c", 5));
  box.put(entry_of("ended", 9));
  CHECK(box.find("c")->revision == 7);
  CHECK(box.find("ended")->revision == 9);
}

TEST_CASE("outbox: read in the order of writing, in pages", "[store][outbox]") {
  Outboxed box;
  std::vector<std::uint64_t> sequences;
  for (int i = 0; i < 10; ++i) sequences.push_back(box.put(entry_of("c" + std::to_string(i))));
  const auto page = box.store->notifications(sequences[3], 4).value();
  REQUIRE(page.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(page[i].sequence == sequences[4 + i]);
  CHECK(box.store->notifications(sequences[9], 4)->empty());
  const auto first = box.store->outbox(false, "", 7)->page;
  CHECK(first.items.size() == 7);
  const auto second = box.store->outbox(false, first.next, 7)->page;
  CHECK(second.items.size() == 3);
  CHECK(second.next.empty());
}

// Neither had a new age: what had been given up for its age was given up again at once.
TEST_CASE("outbox: revived entries are new ones, of one context or of all", "[store][outbox]") {
  Outboxed box;
  std::uint64_t last = 0;
  for (const char* id : {"a", "b", "c"}) {
    last = box.put(entry_of(id));
    if (*id != 'c') box.settle(Outcome::Kind::kDead, id, last);
  }
  CHECK(box.revive("c") == 0);
  CHECK(box.revive("nobody") == 0);
  CHECK(box.revive("b") == 1);
  CHECK(box.living() == std::vector<std::string>{"c", "b"});
  const auto revived = box.find("b");
  CHECK(revived->sequence > last);
  CHECK(revived->due_ms == 500);
  CHECK(revived->attempts == 0);
  CHECK(revived->written_ms == 500);
  CHECK(box.revive("") == 1);
  CHECK(box.living() == std::vector<std::string>{"c", "b", "a"});
}

TEST_CASE("outbox: a redirected entry is a new one, also when it was dead", "[store][outbox]") {
  for (const bool dead : {false, true}) {
    Outboxed box;
    const auto before = box.put(entry_of("c"));
    box.settle(dead ? Outcome::Kind::kDead : Outcome::Kind::kRetry, "c", before);
    REQUIRE(apply(*box.store, [](StoreTransaction& tx) {
              return tx.redirect_notifications("c", "http://new.example/", 600);
            }).ok());
    const auto found = box.find("c");
    REQUIRE(found);
    CHECK(found->callback_reference == "http://new.example/");
    CHECK(found->sequence > before);
    CHECK(found->due_ms == 600);
    CHECK(found->written_ms == 600);
    CHECK(found->attempts == 0);
    CHECK(found->body == entry_of("c").body);
  }
}

TEST_CASE("outbox: to redirect what is not owed makes nothing", "[store][outbox]") {
  Outboxed box;
  REQUIRE(apply(*box.store, [](StoreTransaction& tx) {
            return tx.redirect_notifications("c", "http://new.example/", 600);
          }).ok());
  CHECK(box.living().empty());
}

TEST_CASE("outbox: a sequence never comes again, over a reopen and a delivery", "[store][outbox]") {
  Outboxed box;
  std::set<std::uint64_t> seen;
  std::uint64_t last = 0;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 3; ++i) {
      const auto sequence = box.put(entry_of("c"));
      CHECK(sequence > last);
      CHECK(seen.insert(sequence).second);
      last = sequence;
    }
    box.settle(Outcome::Kind::kDelivered, "c", last);
    box.reopen();
  }
}

TEST_CASE("outbox: what a failed unit owes is not owed", "[store][outbox]") {
  Outboxed box;
  int told = 0;
  box.store->on_notification([&] { ++told; });
  CHECK_FALSE(apply(*box.store, [](StoreTransaction& tx) -> Result<void> {
                static_cast<void>(tx.put_notification(entry_of("c")));
                return conflict("no");
              }).ok());
  CHECK(box.living().empty());
  box.put(entry_of("c"));
  box.store->close();
  CHECK(told >= 1);
}

TEST_CASE("outbox: the relay's side reads, finds and settles", "[store][outbox]") {
  Outboxed box;
  StoreOutbox outbox(*box.store, box.files.options.path + ".notifier");
  const auto a = box.put(entry_of("a"));
  box.put(entry_of("b"));
  CHECK(outbox.hold_lease());
  CHECK(outbox.hold_lease());
  CHECK(outbox.read(a, 10)->size() == 1);
  CHECK(outbox.find("a", notifier::Topic::kInstances).value()->sequence == a);
  outbox.settle({{Outcome::Kind::kDelivered, "a", a, 0, 1, {}}});
  outbox.settle({});
  box.store->close();
  CHECK_FALSE(outbox.find("a", notifier::Topic::kInstances).value());
  CHECK(box.living() == std::vector<std::string>{"b"});
}

TEST_CASE("outbox: the lease has one holder, and is free when it is gone", "[store][outbox]") {
  Outboxed box;
  const auto path = box.files.directory.file("lease");
  StoreOutbox second(*box.store, path);
  {
    StoreOutbox first(*box.store, path);
    CHECK(first.hold_lease());
    CHECK_FALSE(second.hold_lease());
  }
  CHECK(second.hold_lease());
}

}  // namespace
}  // namespace mx2
