#include "orchestrator/endpoints/context_watch.h"

#include <algorithm>
#include <mutex>

#include "api/base/text.h"
#include "api/mx2/codec.h"
#include "orchestrator/endpoints/endpoints.h"

namespace mx2 {
namespace {

using http::Reply;
using http::Request;
using http::Responder;

constexpr const char* kRetry = "retry: 1000\n\n";  // milliseconds before a client reconnects
constexpr const char* kKeepAlive = ": keep-alive\n\n";

// One GET of a context, with what its answers need.
struct Reading {
  Contexts& contexts;
  std::string request_id;
  std::string context_id;
  Caller caller;
  std::optional<KnownRevisions> known;
  std::optional<std::chrono::seconds> wait;

  [[nodiscard]] Reply preferred(Reply reply) const {
    if (wait) {
      reply.headers.emplace_back("Preference-Applied", "wait=" + std::to_string(wait->count()));
    }
    return reply;
  }
  [[nodiscard]] Reply found(StoredContext context) const {
    auto reply = http::json_reply(200, std::move(context.document));
    reply.headers.emplace_back("ETag", etag(context.revision));
    return preferred(std::move(reply));
  }
  [[nodiscard]] Reply not_modified(std::uint64_t revision) const {
    Reply reply{304, {}, {}, {{"ETag", etag(revision)}}, false};
    return preferred(std::move(reply));
  }
  [[nodiscard]] Reply refused(const Error& error) const {
    return preferred(refusal(error, request_id));
  }
};

// Waits for the first change, and answers exactly once; 304 when it is dropped without one.
class LongPoll final : public ContextListener {
 public:
  LongPoll(Reading read, std::uint64_t revision, Responder responder)
      : read_(std::move(read)), revision_(revision), responder_(std::move(responder)) {}
  ~LongPoll() override { answer(read_.not_modified(revision_)); }

  void answer(Reply reply) {
    if (auto responder = take()) responder->reply(std::move(reply));
  }

  void refuse(const Error& error) { answer(read_.refused(error)); }

  // Subscribed as `id`: the client may now take its time, or leave.
  void wait(ContextEvents& events, ContextEvents::Id id) {
    const std::lock_guard lock(mutex_);
    if (responder_) responder_->detach([&events, id] { events.unsubscribe(id); });
  }

  Next on_event(const ContextEvent& event) noexcept override {
    if (event.ended) {
      answer(read_.refused(not_found("this application context has ended")));
    } else if (auto responder = take()) {
      read_again(std::move(*responder));
    }
    return Next::kLeave;
  }

  Next on_quiet() noexcept override {
    answer(read_.not_modified(revision_));
    return Next::kLeave;
  }

 private:
  std::optional<Responder> take() {
    const std::lock_guard lock(mutex_);
    if (!responder_) return std::nullopt;
    return std::exchange(responder_, std::nullopt);
  }

  void read_again(Responder responder) const {
    get_app_context(
        read_.contexts.core.store, read_.context_id, read_.caller,
        [read = read_, responder = std::move(responder)](Result<StoredContext> now) mutable {
          responder.reply(now ? read.found(std::move(*now)) : read.refused(now.error()));
        });
  }

  const Reading read_;
  const std::uint64_t revision_;
  std::mutex mutex_;
  std::optional<Responder> responder_;  // until the answer
};

void wait_for_change(Reading read, std::uint64_t revision, Responder responder) {
  auto& events = read.contexts.events;
  const auto context_id = read.context_id;
  const auto wait = *read.wait;
  const auto poll = std::make_shared<LongPoll>(std::move(read), revision, std::move(responder));
  const auto id = events.subscribe(context_id, poll, wait);
  if (id) return poll->wait(events, *id);
  poll->refuse(id.error());
}

std::string sse_text(std::uint64_t revision, std::string_view type, std::string_view body) {
  std::string text = "id: " + std::to_string(revision) + "\nevent: ";
  text.append(type).append("\ndata: ").append(body).append("\n\n");
  return text;
}

class EventStream final : public ContextListener {
 public:
  void start(std::unique_ptr<http::Stream> stream) {
    const std::lock_guard lock(mutex_);
    stream_ = std::move(stream);
  }

  Next on_event(const ContextEvent& event) noexcept override {
    const bool open = event.body.empty() || send(sse_text(event.revision, event.type, event.body));
    return open && !event.ended ? Next::kStay : Next::kLeave;
  }

  Next on_quiet() noexcept override { return send(kKeepAlive) ? Next::kStay : Next::kLeave; }

 private:
  bool send(std::string_view text) {
    const std::lock_guard lock(mutex_);
    return !stream_ || stream_->send(text);
  }

  std::mutex mutex_;
  std::unique_ptr<http::Stream> stream_;  // ends with the last reference to this
};

// What a client that knows `last_event_id` has to be told first.
std::string first_events(const StoredContext& context, const std::string& last_event_id) {
  std::string text = kRetry;
  if (last_event_id == std::to_string(context.revision)) return text;
  const auto decoded = codec::decode_stored_context(context.document);
  if (!decoded) return text;
  const auto update = update_notification(*decoded);
  if (update.user_app_instance_info.empty()) return text;
  return text + sse_text(context.revision, codec::type_of(update), codec::encode(update));
}

void listen(ContextEvents& events, const StoredContext& context, const std::string& last_event_id,
            const std::string& request_id, Responder responder) {
  const auto listener = std::make_shared<EventStream>();
  const auto id = events.subscribe(context.context_id, listener, events.keep_alive());
  if (!id) return responder.reply(refusal(id.error(), request_id));
  Reply head{200,
             "text/event-stream",
             first_events(context, last_event_id),
             {{"Cache-Control", "no-store"}},
             true};
  auto stream = responder.stream(std::move(head), [&events, id = *id] { events.unsubscribe(id); });
  if (!stream) return events.unsubscribe(*id);
  listener->start(std::move(stream));
}

}  // namespace

bool KnownRevisions::include(std::uint64_t revision) const {
  return any || std::find(revisions.begin(), revisions.end(), revision) != revisions.end();
}

std::optional<KnownRevisions> if_none_match_of(const Request& request) {
  const auto header = request.header("If-None-Match");
  if (!header) return std::nullopt;
  KnownRevisions known;
  known.any = trim(*header) == "*";
  for (const auto part : split(*header, ',')) {
    auto tag = trim(part);
    if (tag.substr(0, 2) == "W/") tag.remove_prefix(2);
    if (const auto revision = revision_of(tag)) known.revisions.push_back(*revision);
  }
  return known;
}

std::optional<std::chrono::seconds> preferred_wait(const Request& request) {
  for (const auto& [name, value] : request.headers) {
    if (!equals_ignoring_case(name, "Prefer")) continue;
    for (const auto preference : split(value, ',')) {
      const auto text = trim(preference.substr(0, preference.find(';')));
      const auto equals = text.find('=');
      if (!equals_ignoring_case(trim(text.substr(0, equals)), "wait")) continue;
      if (equals == std::string_view::npos) return std::nullopt;
      auto seconds = trim(text.substr(equals + 1));
      if (seconds.size() > 2 && seconds.front() == '"' && seconds.back() == '"') {
        seconds = seconds.substr(1, seconds.size() - 2);
      }
      const auto parsed = parse_uint(seconds);
      if (!parsed) return std::nullopt;
      return std::chrono::seconds(std::min(*parsed, kWaitSecondsMax));
    }
  }
  return std::nullopt;
}

void read_context(Contexts& contexts, const Request& request, const std::string& context_id,
                  const Caller& caller, Responder responder) {
  Reading read{contexts, request.id, context_id, caller, if_none_match_of(request), std::nullopt};
  if (read.known) read.wait = preferred_wait(request);
  get_app_context(contexts.core.store, context_id, caller,
                  [read = std::move(read),
                   responder = std::move(responder)](Result<StoredContext> found) mutable {
                    if (!found) return responder.reply(read.refused(found.error()));
                    const auto revision = found->revision;
                    if (!read.known || !read.known->include(revision)) {
                      return responder.reply(read.found(std::move(*found)));
                    }
                    if (read.wait && read.wait->count() > 0) {
                      return wait_for_change(std::move(read), revision, std::move(responder));
                    }
                    responder.reply(read.not_modified(revision));
                  });
}

void stream_events(Contexts& contexts, const Request& request, const std::string& context_id,
                   const Caller& caller, Responder responder) {
  const auto last = request.header("Last-Event-ID");
  get_app_context(contexts.core.store, context_id, caller,
                  [&events = contexts.events, id = request.id,
                   last = std::string(last ? trim(*last) : std::string_view()),
                   responder = std::move(responder)](Result<StoredContext> found) mutable {
                    if (!found) return responder.reply(refusal(found.error(), id));
                    listen(events, *found, last, id, std::move(responder));
                  });
}

}  // namespace mx2
