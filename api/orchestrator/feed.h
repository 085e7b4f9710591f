// Keeps up with the orchestrator: reads its lists page by page, then waits for changes in long
// polls. What is done with them is the reader's.
//
// A feed that is gone (410: our position is too long ago, or of another life of the orchestrator)
// is taken up again with the lists. Lists and feed overlap: a change may tell what an item has
// said, and is then told once more.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "api/operator/types.h"
#include "api/orchestrator/access.h"
#include "api/orchestrator/operator_calls.h"

namespace mx2 {

// The calls it takes. Blocking; one thread at a time.
class FeedClient {
 public:
  struct Mark {
    std::uint64_t position = 0;  // in the feed
    std::uint64_t table_version = 0;
    Strategy standard = Strategy::kNotification;  // of apps that name none
    std::string dispatcher = {};                  // appDId of the dispatchers; empty: none
  };
  struct Changes {
    std::uint64_t position = 0;  // after them
    std::vector<json::Value> changes;
    bool gone = false;  // `since` is too long ago, or of another life: read the lists again
  };

  // `http` must outlive this.
  FeedClient(http::Client& http, const FeedAccess& access)
      : calls_(http, access.url), page_items_(access.page_items) {}

  void set_page_items(std::size_t items) { page_items_ = items; }

  // To be asked for before the lists.
  [[nodiscard]] Result<Mark> mark();
  // Every item of a list, e.g. "hosts", page by page; an error of `use` ends it.
  [[nodiscard]] Result<void> each(const std::string& list,
                                  const std::function<Result<void>(const json::Value&)>& use);
  // Waits up to `wait_ms` if there are none yet.
  [[nodiscard]] Result<Changes> changes(std::uint64_t since, int wait_ms);

 private:
  OperatorCalls calls_;
  std::size_t page_items_;
};

// Who keeps what the lists and the feed tell. An error of any ends the reading, and the lists are
// read again when it is next tried.
class FeedReader {
 public:
  virtual ~FeedReader() = default;
  // All lists are about to be told, in their order.
  [[nodiscard]] virtual Result<void> begin(const FeedClient::Mark& mark) = 0;
  [[nodiscard]] virtual Result<void> take_item(const std::string& list,
                                               const json::Value& item) = 0;
  [[nodiscard]] virtual Result<void> take_change(json::Value change) = 0;
};

// A change without the members that the resource itself does not have.
[[nodiscard]] json::Value resource_of(json::Value change);

class Feed {
 public:
  enum class News : std::uint8_t {
    kNothing,     // the waiting was interrupted
    kChanges,     // or none, in the time
    kEverything,  // all lists
  };
  // What is done when waiting for changes fails.
  enum class WhenLost : std::uint8_t {
    kTell,        // the error is told; the lists are read when it is tried again
    kReadAtOnce,  // the lists are read; if that fails it is told
  };

  // `http` and `waiting` must outlive this and may be the same; only waiting for changes goes over
  // `waiting`, so that it can be interrupted (CurlClient::interrupt_once).
  Feed(http::Client& http, http::Client& waiting, const FeedAccess& access,
       std::vector<std::string> lists, WhenLost when_lost)
      : client_(http, access),
        waiting_(waiting, access),
        lists_(std::move(lists)),
        when_lost_(when_lost) {}

  // The lists if they are to be read, otherwise the changes, waited for up to `wait_ms`. After an
  // error it may be called again. Blocking; one thread at a time.
  [[nodiscard]] Result<News> follow(FeedReader& reader, int wait_ms);
  // The lists are read next: to be called when what is known cannot be right. Also by the reader.
  void read_again() { synchronised_ = false; }
  void set_page_items(std::size_t items) { client_.set_page_items(items); }

  // False: nothing is known, or it is not trusted; follow() reads the lists.
  [[nodiscard]] bool is_synchronised() const { return synchronised_; }
  // When the lists were read last, the position apart, which goes on.
  [[nodiscard]] const FeedClient::Mark& mark() const { return mark_; }
  // Where the orchestrator is now.
  [[nodiscard]] Result<FeedClient::Mark> ask_mark() { return client_.mark(); }

 private:
  [[nodiscard]] Result<News> read_all(FeedReader& reader);

  FeedClient client_;
  FeedClient waiting_;
  const std::vector<std::string> lists_;
  const WhenLost when_lost_;
  FeedClient::Mark mark_;
  bool synchronised_ = false;
};

}  // namespace mx2
