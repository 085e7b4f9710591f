#include "orchestrator/core/change_feed.h"

#include <algorithm>
#include <utility>

namespace mx2 {
namespace {

// Changes come in bursts: whoever waits gets a burst in one answer.
constexpr auto kGather = std::chrono::milliseconds(3);
constexpr auto kLookEvery = std::chrono::seconds(1);  // whether anybody follows
// Changes copied while publishers wait.
constexpr std::size_t kCopiedAtOnce = 256;

Error closed() { return unavailable("the orchestrator is stopping"); }

std::size_t bytes_of(const std::string& text) { return text.size(); }

std::size_t bytes_of(const CivicAddressElement& element) {
  return sizeof(element) + element.ca_value.size();
}

std::size_t bytes_of(const std::vector<Position>& ring) { return ring.size() * sizeof(Position); }

std::size_t bytes_of(const AppInstance& instance) {
  return sizeof(instance) + instance.reference_uri.size();
}

std::size_t bytes_of(const Target& target) { return sizeof(target) + target.value.size(); }

std::size_t bytes_of(const LocationConstraints& location);

template <typename List>
std::size_t bytes_of_all(const List& list) {
  std::size_t bytes = 0;
  for (const auto& item : list) bytes += bytes_of(item);
  return bytes;
}

std::size_t bytes_of(const LocationConstraints& location) {
  const auto area = location.area ? bytes_of_all(location.area->rings) : 0;
  return sizeof(location) + area + bytes_of_all(location.civic_address_element);
}

struct ChangeBytes {
  std::size_t operator()(const ContextChanged& c) const {
    return c.place.app_location ? bytes_of(*c.place.app_location) : 0;
  }
  std::size_t operator()(const TableChange& c) const {
    return c.row.reason.size() + bytes_of_all(c.row.targets);
  }
  std::size_t operator()(const HostChanged& c) const {
    constexpr std::size_t kLabel = 128;
    return sizeof(Host) + bytes_of_all(c.host->service_area) + bytes_of_all(c.host->instances) +
           bytes_of_all(c.host->unable) + kLabel * c.host->labels.size();
  }
  std::size_t operator()(const HostReported& c) const {
    constexpr std::size_t kLatency = 128;
    return sizeof(HostLoad) + sizeof(AppLoad) * c.load->apps.size() +
           kLatency * c.load->latency_ms.size();
  }
  std::size_t operator()(const AppChanged& c) const {
    return sizeof(App) + bytes_of_all(c.app->info.app_location);
  }
  std::size_t operator()(const auto& /*a name*/) const { return 0; }
};

}  // namespace

std::size_t bytes_of(const Change& change) {
  constexpr std::size_t kTexts = 128;  // identifiers, which are short
  return sizeof(Change) + kTexts + std::visit(ChangeBytes{}, change);
}

ChangeFeed::ChangeFeed(const ChangeFeedOptions& options, std::int64_t first)
    : options_(options), first_(static_cast<Position>(first)) {
  worker_.start([this] { return step(std::chrono::steady_clock::now()); });
}

ChangeFeed::~ChangeFeed() { close(); }

void ChangeFeed::close() {
  {
    const std::lock_guard guard(mutex_);
    closed_ = true;
  }
  worker_.stop();
  step({});
}

void ChangeFeed::publish(Change change) {
  const std::lock_guard guard(mutex_);
  if (!followed_) {
    ++first_;
    return;
  }
  const auto bytes = bytes_of(change);
  kept_.push_back({std::move(change), bytes});
  kept_bytes_ += bytes;
  while (kept_.size() > options_.changes_max || kept_bytes_ > options_.bytes_max) {
    kept_bytes_ -= kept_.front().bytes;
    kept_.pop_front();
    ++first_;
  }
  if (!waiting_.empty()) worker_.wake(Worker::in(kGather));
}

void ChangeFeed::skip() {
  const std::lock_guard guard(mutex_);
  if (!followed_) ++first_;
}

ChangeFeed::Position ChangeFeed::follow() {
  const std::lock_guard guard(mutex_);
  followed_ = true;
  last_poll_ = std::chrono::steady_clock::now();
  return end();
}

void ChangeFeed::poll(Position since, std::chrono::milliseconds wait,
                      Callback<Result<News>> answer) {
  const auto now = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  const bool full = waiting_.size() >= options_.waiting_max;
  if (!closed_ && !full) {
    followed_ = true;
    last_poll_ = now;
    waiting_.push_back({since, now + wait, std::move(answer)});
    worker_.wake(now + kGather);
    return;
  }
  const auto refusal =
      closed_ ? closed()
              : refused_as(ErrorCode::kTooMany, "too many wait for changes already", {}, 1);
  lock.unlock();
  answer(refusal);
}

std::deque<ChangeFeed::Kept> ChangeFeed::forget_if_unfollowed(Time now) {
  const bool followed =
      !waiting_.empty() || now - last_poll_ < std::chrono::milliseconds(options_.unfollowed_ms);
  if (followed || !followed_) return {};
  followed_ = false;
  first_ = end();
  kept_bytes_ = 0;
  return std::exchange(kept_, {});
}

std::vector<ChangeFeed::Waiting> ChangeFeed::take_due(Time now) {
  std::vector<Waiting> due;
  const auto is_due = [&](const Waiting& w) {
    return closed_ || w.since != end() || w.deadline <= now;
  };
  const auto keep = std::stable_partition(waiting_.begin(), waiting_.end(),
                                          [&](const auto& w) { return !is_due(w); });
  std::move(keep, waiting_.end(), std::back_inserter(due));
  waiting_.erase(keep, waiting_.end());
  return due;
}

ChangeFeed::Time ChangeFeed::step(Time now) {
  std::unique_lock lock(mutex_);
  auto due = take_due(now);
  auto forgotten = forget_if_unfollowed(now);
  auto next = now + kLookEvery;
  for (const auto& waiting : waiting_) next = std::min(next, waiting.deadline);
  lock.unlock();
  forgotten = {};
  answer_all(std::move(due));
  return next;
}

void ChangeFeed::answer_all(std::vector<Waiting> due) {
  for (auto& waiting : due) waiting.answer(news_since(waiting.since));
}

Result<ChangeFeed::News> ChangeFeed::news_since(Position since) {
  News news{since, {}};
  std::size_t bytes = 0;
  while (news.changes.size() < kChangesPerPoll) {
    const std::lock_guard guard(mutex_);
    if (closed_) return closed();
    if (news.position < first_ || news.position > end()) {
      return gone("changes after position " + std::to_string(since) +
                  " are not kept: read everything again");
    }
    const auto count = std::min<std::size_t>(
        {end() - news.position, kCopiedAtOnce, kChangesPerPoll - news.changes.size()});
    if (count == 0) break;
    for (std::size_t i = 0; i < count; ++i) {
      const auto& next = kept_[news.position - first_];
      bytes += next.bytes;
      if (bytes > options_.poll_bytes_max && !news.changes.empty()) return news;
      news.changes.push_back(next.change);
      ++news.position;
    }
  }
  return news;
}

}  // namespace mx2
