#include "api/orchestrator/feed.h"

#include "api/base/text.h"

namespace mx2 {
namespace {

constexpr int kGone = 410;

}  // namespace

Result<FeedClient::Mark> FeedClient::mark() {
  const auto document = calls_.get("/snapshot");
  if (!document) return document.error();
  const auto position = number_of(*document, "position");
  const auto version = number_of(*document, "tableVersion");
  if (!position || !version) return OperatorCalls::strange("/snapshot");
  Mark mark{*position, *version};
  const auto strategy = document->find("strategy");
  if (strategy == document->end()) return mark;
  mark.standard = parse_enum<Strategy>(json::text_of(*strategy, "standard"), kStrategies)
                      .value_or(mark.standard);
  mark.dispatcher = json::text_of(*strategy, "dispatcher");
  return mark;
}

Result<void> FeedClient::each(const std::string& list,
                              const std::function<Result<void>(const json::Value&)>& use) {
  std::string cursor;
  do {
    auto path = "/" + list + "?limit=" + std::to_string(page_items_);
    if (!cursor.empty()) path += "&cursor=" + percent_encode(cursor);
    const auto document = calls_.get(path);
    if (!document) return document.error();
    const auto items = document->find("items");
    if (items == document->end() || !items->is_array()) return OperatorCalls::strange(path);
    for (const auto& item : *items) {
      if (auto used = use(item); !used) return used;
    }
    cursor = json::text_of(*document, "next");
  } while (!cursor.empty());
  return {};
}

Result<FeedClient::Changes> FeedClient::changes(std::uint64_t since, int wait_ms) {
  const auto path =
      "/changes?since=" + std::to_string(since) + "&wait_ms=" + std::to_string(wait_ms);
  const auto reply = calls_.ask("GET", path);
  if (reply.ok() && reply->status == kGone) return Changes{0, {}, true};
  auto document = OperatorCalls::document_of(path, reply);
  if (!document) return document.error();
  const auto position = number_of(*document, "position");
  const auto list = document->find("changes");
  if (!position || list == document->end() || !list->is_array())
    return OperatorCalls::strange(path);
  return Changes{*position, std::move(list->get_ref<json::Value::array_t&>()), false};
}

json::Value resource_of(json::Value change) {
  change.erase("kind");
  change.erase("position");
  return change;
}

Result<Feed::News> Feed::read_all(FeedReader& reader) {
  synchronised_ = false;
  const auto mark = client_.mark();
  if (!mark) return mark.error();
  if (auto begun = reader.begin(*mark); !begun) return begun.error();
  for (const auto& list : lists_) {
    const auto read =
        client_.each(list, [&](const json::Value& item) { return reader.take_item(list, item); });
    if (!read) return read.error();
  }
  mark_ = *mark;
  synchronised_ = true;
  return News::kEverything;
}

Result<Feed::News> Feed::follow(FeedReader& reader, int wait_ms) {
  if (!synchronised_) return read_all(reader);
  auto news = waiting_.changes(mark_.position, wait_ms);
  if (!news && news.error().cause == http::kInterrupted) return News::kNothing;
  if (!news || news->gone) {
    // After an error anything may have happened there, so the position is not trusted again.
    synchronised_ = false;
    if (!news && when_lost_ == WhenLost::kTell) return news.error();
    return read_all(reader);
  }
  for (auto& change : news->changes) {
    if (auto taken = reader.take_change(std::move(change)); !taken) {
      synchronised_ = false;
      return taken.error();
    }
  }
  mark_.position = news->position;
  if (!synchronised_) return read_all(reader);
  return News::kChanges;
}

}  // namespace mx2
