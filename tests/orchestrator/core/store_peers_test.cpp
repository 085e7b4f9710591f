// Whom we believe that our store is an old copy, or used twice.
#include "orchestrator/core/store_peers.h"

#include "tests/catch.h"
#include "tests/support/logged.h"

namespace mx2 {
namespace {

const std::string kOurs(32, 'a');
const std::string kAnother(32, 'b');

PeerView view(const std::string& peer, const std::string& id, std::uint64_t epoch,
              std::uint64_t heard = 0) {
  return {peer, {id, epoch}, heard, true};
}

TEST_CASE("store peers: one alone is never believed, and neither is half", "[backup]") {
  CHECK_FALSE(is_believed(0, 0));
  CHECK_FALSE(is_believed(1, 1));
  CHECK(is_believed(2, 2));
  CHECK(is_believed(2, 3));
  CHECK_FALSE(is_believed(2, 4));
  CHECK(is_believed(3, 4));
}

TEST_CASE("store peers: who knows a newer epoch of the same store", "[backup]") {
  const std::vector<PeerView> views{view("1", kOurs, 4), view("2", kOurs, 5), view("3", kOurs, 6),
                                    view("4", kAnother, 9)};
  const auto ahead = who_is_ahead({kOurs, 5}, views);
  REQUIRE(ahead.size() == 1);
  CHECK(ahead[0].peer == "3");
  CHECK(names_of(views) == "1, 2, 3 and 1 more");
}

TEST_CASE("store peers: who goes on reporting to somebody", "[backup]") {
  const std::vector<PeerView> before{view("1", kOurs, 5, 10), view("2", kOurs, 5, 10),
                                     view("3", kOurs, 5, 10)};
  const std::vector<PeerView> after{view("1", kOurs, 5, 11), view("2", kOurs, 5, 10),
                                    view("3", kOurs, 5, 1),  // restarted
                                    view("4", kOurs, 5, 99)};
  const auto reporting = who_reports({kOurs, 5}, before, after);
  REQUIRE(reporting.size() == 1);
  CHECK(reporting[0].peer == "1");
}

TEST_CASE("store peers: while we run who is ahead is told once, and forgotten", "[backup]") {
  const test::Logged logged;
  StorePeers peers;
  peers.begin({kOurs, 5});
  peers.hear("mec-1", kOurs + "/9");
  peers.hear("mec-1", kOurs + "/9");
  peers.hear("mec-2", kOurs + "/5");
  peers.hear("mec-3", kAnother + "/9");
  peers.hear("mec-4", "nonsense");
  peers.hear("mec-5", std::nullopt);
  CHECK(peers.ahead() == std::map<std::string, std::uint64_t>{{"mec-1", 9}});
  CHECK(logged.count("knows a newer epoch") == 1);
  peers.hear("mec-1", kOurs + "/5");
  CHECK(peers.ahead().empty());
}

TEST_CASE("store peers: how an epoch is written, and what is remembered of two", "[backup]") {
  const StoreEpoch epoch{kOurs, 12};
  CHECK(parse_store_epoch(to_text(epoch)) == epoch);
  const std::vector<std::string> bad_ones{
      "", kOurs, kOurs + "/", kOurs + "/x", "a/1", kOurs + "/18446744073709551615", kOurs + "/1/2"};
  for (const auto& bad : bad_ones) {
    CHECK_FALSE(parse_store_epoch(bad));
  }
  CHECK(newer_of({kOurs, 5}, {kOurs, 4}) == StoreEpoch{kOurs, 5});
  CHECK(newer_of({kOurs, 5}, {kOurs, 6}) == StoreEpoch{kOurs, 6});
  CHECK(newer_of({kOurs, 5}, {kAnother, 1}) == StoreEpoch{kAnother, 1});
}

}  // namespace
}  // namespace mx2
