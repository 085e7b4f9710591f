// The feed keeps what fits: by number and by bytes, as one change may carry a large polygon.
#include "orchestrator/core/change_feed.h"

#include <future>

#include "tests/catch.h"
#include "tests/support/samples.h"

namespace mx2 {
namespace {

Result<ChangeFeed::News> changes_since(ChangeFeed& feed, ChangeFeed::Position since) {
  std::promise<Result<ChangeFeed::News>> news;
  feed.poll(since, std::chrono::milliseconds(0),
            Callback<Result<ChangeFeed::News>>(
                [&](Result<ChangeFeed::News> found) { news.set_value(std::move(found)); }));
  return news.get_future().get();
}

Change asks_for_area(std::size_t positions) {
  LocationConstraints location;
  location.area.emplace().rings.emplace_back(positions);
  ContextPlace place;
  place.app_location = std::make_shared<const LocationConstraints>(std::move(location));
  return ContextChanged{std::move(place)};
}

TEST_CASE("feed: what is kept is bounded in bytes, whatever the changes carry", "[feed]") {
  constexpr std::size_t kPositions = 2048;
  const auto bytes = bytes_of(asks_for_area(kPositions));
  CHECK(bytes > kPositions * sizeof(Position));
  ChangeFeedOptions options;
  options.bytes_max = 10 * bytes;
  ChangeFeed feed(options, 1);
  const auto begin = feed.follow();
  for (int i = 0; i < 10; ++i) feed.publish(asks_for_area(kPositions));
  CHECK(changes_since(feed, begin)->changes.size() == 10);
  feed.publish(asks_for_area(kPositions));
  CHECK(changes_since(feed, begin).error().code == ErrorCode::kGone);
  CHECK(changes_since(feed, begin + 1)->changes.size() == 10);
  // Small ones take the place of as many bytes as they need.
  for (int i = 0; i < 100; ++i) feed.publish(ContextEnded{"c"});
  CHECK(changes_since(feed, begin + 1).error().code == ErrorCode::kGone);
  CHECK(changes_since(feed, begin + 11)->changes.size() == 100);
}

TEST_CASE("feed: one answer is bounded in bytes, and the next goes on from there", "[feed]") {
  const auto bytes = bytes_of(asks_for_area(100));
  ChangeFeedOptions options;
  options.poll_bytes_max = 3 * bytes;
  ChangeFeed feed(options, 1);
  const auto begin = feed.follow();
  for (int i = 0; i < 7; ++i) feed.publish(asks_for_area(100));
  feed.publish(asks_for_area(1000));  // larger than an answer: it comes alone
  std::vector<std::size_t> sizes;
  for (auto position = begin; position != begin + 8;) {
    const auto news = changes_since(feed, position);
    REQUIRE(news.ok());
    sizes.push_back(news->changes.size());
    position = news->position;
  }
  CHECK(sizes == std::vector<std::size_t>{3, 3, 1, 1});
}

}  // namespace
}  // namespace mx2
