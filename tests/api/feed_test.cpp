// Lists in pages, then changes; what is gone or lost is read anew. And the access by configuration.
#include "api/orchestrator/feed.h"

#include <deque>
#include <map>

#include "tests/catch.h"
#include "tests/support/temp_dir.h"

namespace mx2 {
namespace {

// Answers paths with what was scripted for them, in order; the last answer stays.
class FeedPeer final : public http::Client {
 public:
  Result<http::Reply> send(const std::string& method, const std::string& url, const http::Headers&,
                           const std::string&) override {
    const std::string root = "http://peer/operator/v1";
    CHECK(method == "GET");
    REQUIRE(url.starts_with(root));
    const auto path = url.substr(root.size());
    asked.push_back(path);
    auto& replies = script[path];
    if (replies.empty()) return http::json_reply(404, R"({"detail":"not scripted"})");
    auto reply = replies.front();
    if (replies.size() > 1) replies.pop_front();
    return reply;
  }
  void answer(const std::string& path, const std::string& body, int status = 200) {
    script[path].emplace_back(http::json_reply(status, body));
  }
  void fail(const std::string& path, Error error) { script[path].emplace_back(std::move(error)); }

  std::map<std::string, std::deque<Result<http::Reply>>> script;
  std::vector<std::string> asked;
};

class FeedLog final : public FeedReader {
 public:
  Result<void> begin(const FeedClient::Mark& mark) override {
    told.push_back("begin " + std::to_string(mark.position));
    return {};
  }
  Result<void> take_item(const std::string& list, const json::Value& item) override {
    told.push_back(list + " " + json::dump(item));
    return {};
  }
  Result<void> take_change(json::Value change) override {
    const auto kind = json::text_of(change, "kind");
    if (kind == "bad") return invalid_argument("not understood");
    if (kind == "turn") feed->read_again();
    told.push_back(kind + " " + json::dump(resource_of(std::move(change))));
    return {};
  }
  std::vector<std::string> take() { return std::exchange(told, {}); }

  Feed* feed = nullptr;
  std::vector<std::string> told;
};

FeedAccess feed_access() {
  FeedAccess access;
  access.url = "http://peer";
  access.page_items = 2;
  return access;
}

struct FeedBench {
  explicit FeedBench(Feed::WhenLost when_lost = Feed::WhenLost::kTell)
      : feed(peer, peer, feed_access(), {"hosts", "apps"}, when_lost) {
    log.feed = &feed;
    peer.answer("/snapshot", R"({"position":5,"tableVersion":3})");
    peer.answer("/hosts?limit=2", R"({"items":[1,2],"next":"a b"})");
    peer.answer("/hosts?limit=2&cursor=a%20b", R"({"items":[3]})");
    peer.answer("/apps?limit=2", R"({"items":[]})");
  }
  // After the lists have been read.
  static FeedBench& read(FeedBench& bench) {
    REQUIRE(bench.feed.follow(bench.log, 0).value() == Feed::News::kEverything);
    bench.log.take();
    bench.peer.asked.clear();
    return bench;
  }
  Result<Feed::News> follow() { return feed.follow(log, 7); }

  FeedPeer peer;
  FeedLog log;
  Feed feed;
};

const std::vector<std::string> kAllItems = {"begin 5", "hosts 1", "hosts 2", "hosts 3"};

TEST_CASE("a feed reads every page of the lists, then the changes", "[feed]") {
  FeedBench bench;
  CHECK_FALSE(bench.feed.is_synchronised());
  CHECK(bench.follow().value() == Feed::News::kEverything);
  CHECK(bench.log.take() == kAllItems);
  CHECK(bench.feed.is_synchronised());
  bench.peer.answer("/changes?since=5&wait_ms=7",
                    R"({"position":9,"changes":[{"kind":"host","position":8,"id":"h"}]})");
  bench.peer.answer("/changes?since=9&wait_ms=7", R"({"position":9,"changes":[]})");
  CHECK(bench.follow().value() == Feed::News::kChanges);
  CHECK(bench.log.take() == std::vector<std::string>{R"(host {"id":"h"})"});
  CHECK(bench.follow().value() == Feed::News::kChanges);
  CHECK(bench.log.take().empty());
  CHECK(bench.feed.mark().position == 9);
  CHECK(bench.feed.mark().table_version == 3);
}

TEST_CASE("a feed that is gone is taken up again with the lists", "[feed]") {
  FeedBench bench;
  FeedBench::read(bench);
  bench.peer.answer("/changes?since=5&wait_ms=7", "{}", 410);
  CHECK(bench.follow().value() == Feed::News::kEverything);
  CHECK(bench.log.take() == kAllItems);
}

TEST_CASE("a feed whose reader wants the lists again reads them", "[feed]") {
  FeedBench bench;
  FeedBench::read(bench);
  bench.peer.answer("/changes?since=5&wait_ms=7",
                    R"({"position":6,"changes":[{"kind":"turn"},{"kind":"host"}]})");
  CHECK(bench.follow().value() == Feed::News::kEverything);
  CHECK(bench.log.take() ==
        std::vector<std::string>{"turn {}", "host {}", "begin 5", "hosts 1", "hosts 2", "hosts 3"});
}

TEST_CASE("after an error the lists are read, at once or when tried again", "[feed]") {
  const auto when_lost = GENERATE(Feed::WhenLost::kTell, Feed::WhenLost::kReadAtOnce);
  FeedBench bench(when_lost);
  FeedBench::read(bench);
  bench.peer.answer("/changes?since=5&wait_ms=7", R"({"detail":"too many"})", 503);
  const auto news = bench.follow();
  if (when_lost == Feed::WhenLost::kTell) {
    REQUIRE_FALSE(news.ok());
    CHECK(news.error().code == ErrorCode::kUnavailable);
    CHECK(news.error().detail ==
          "the orchestrator answered /changes?since=5&wait_ms=7 with 503: too many");
    CHECK(bench.log.take().empty());
    CHECK(bench.follow().value() == Feed::News::kEverything);
  } else {
    CHECK(news.value() == Feed::News::kEverything);
  }
  CHECK(bench.log.take() == kAllItems);
}

TEST_CASE("waiting for changes can be interrupted, and goes on from the same position", "[feed]") {
  FeedBench bench;
  FeedBench::read(bench);
  auto interrupted = unavailable("interrupted");
  interrupted.cause = http::kInterrupted;
  bench.peer.fail("/changes?since=5&wait_ms=7", interrupted);
  CHECK(bench.follow().value() == Feed::News::kNothing);
  CHECK(bench.feed.is_synchronised());
  CHECK(bench.feed.mark().position == 5);
}

TEST_CASE("a change that the reader cannot take is an error; the lists are next", "[feed]") {
  FeedBench bench(Feed::WhenLost::kReadAtOnce);
  FeedBench::read(bench);
  bench.peer.answer("/changes?since=5&wait_ms=7", R"({"position":6,"changes":[{"kind":"bad"}]})");
  CHECK(bench.follow().error().detail == "not understood");
  CHECK(bench.follow().value() == Feed::News::kEverything);
}

TEST_CASE("answers that are not as expected are errors", "[feed]") {
  FeedBench bench;
  const auto answered = [&](const std::string& path, const std::string& body) {
    FeedPeer peer;
    peer.script = bench.peer.script;
    peer.script[path].clear();
    peer.answer(path, body);
    Feed feed(peer, peer, feed_access(), {"hosts"}, Feed::WhenLost::kTell);
    FeedLog log;
    auto news = feed.follow(log, 7);
    return news ? feed.follow(log, 7) : news;
  };
  for (const auto* body : {"", "[]", "{}", R"({"position":-1,"tableVersion":3})",
                           R"({"position":"1","tableVersion":3})"}) {
    CAPTURE(body);
    CHECK(answered("/snapshot", body).error().detail ==
          "the orchestrator's answer to /snapshot is not as expected");
  }
  CHECK_FALSE(answered("/hosts?limit=2", R"({"items":{}})").ok());
  CHECK_FALSE(answered("/changes?since=5&wait_ms=7", R"({"position":6})").ok());
  CHECK_FALSE(answered("/changes?since=5&wait_ms=7", R"({"changes":[]})").ok());
}

TEST_CASE("what apps that name no strategy follow is told with the mark", "[feed]") {
  FeedPeer peer;
  peer.answer("/snapshot", R"({"position":1,"tableVersion":1,
                               "strategy":{"standard":"dispatching","dispatcher":"d-1"}})");
  const auto mark = FeedClient(peer, feed_access()).mark();
  REQUIRE(mark.ok());
  CHECK(mark->standard == Strategy::kDispatching);
  CHECK(mark->dispatcher == "d-1");
}

TEST_CASE("the access to the orchestrator is read from the configuration", "[feed][config]") {
  const test::TempDir dir;
  const auto token = dir.write("token", " secret \nsecond line\n");
  const auto document = config::parse_yaml("orchestrator: {url: 'http://o:1//', token_file: '" +
                                               token + "', wait_ms: 40, page_items: 3}",
                                           "f.yaml");
  REQUIRE(document.ok());
  config::Reader reader(*document);
  FeedAccess access;
  access.timeout_ms = 500;
  read_access(reader, access);
  REQUIRE(reader.finish().ok());
  CHECK(access.url == "http://o:1");
  CHECK(access.token == "secret");
  CHECK(access.timeout_ms == 500);
  CHECK(access.page_items == 3);
  const auto options = client_options(access);
  CHECK(options.timeout_ms == 540);
  CHECK(options.bearer_token == "secret");
}

}  // namespace
}  // namespace mx2
