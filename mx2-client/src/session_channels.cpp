#include <algorithm>

#include "api/base/text.h"
#include "api/http/problem.h"
#include "api/mx2/codec.h"
#include "mx2-client/src/session.h"

namespace mx2::device {
namespace {

using std::chrono::milliseconds;

constexpr int kEventsIdleMs = 45000;           // three keep-alives of the server missed
constexpr milliseconds kWait{25000};           // of a long poll, at the server
constexpr milliseconds kCheckInterval{30000};  // of a channel that cannot tell its own death
constexpr int kLooksMax = 3;

bool is_event_stream(const http::Reply& head) {
  const auto type = head.content_type.substr(0, head.content_type.find(';'));
  return head.status == 200 && equals_ignoring_case(trim(type), "text/event-stream");
}

// 406: it has the resource, but not as a stream; 501: it does not know the method.
bool means_unsupported(int status) {
  return status == 404 || status == 405 || status == 406 || status == 501;
}

}  // namespace

Session::Outcome Session::follow_events() {
  http::Headers headers{{"Accept", "text/event-stream"}, {"Cache-Control", "no-cache"}};
  if (!last_event_id_.empty()) headers.emplace_back("Last-Event-ID", last_event_id_);
  SseParser parser;
  http::Reply head;
  bool gone = false;
  const http::StreamSink sink{
      [&](const http::Reply& begun) {
        head = begun;
        if (!is_event_stream(begun)) return false;
        events_work_ = true;
        worked();
        return true;
      },
      [&](std::string_view bytes) {
        return parser.feed(bytes, [&](const ServerEvent& event) { return on_event(event, gone); });
      }};
  const auto url = shared_->api.context_url(state_.context_id()) + "/events";
  const auto ended = waiting_.stream(url, headers, sink, kEventsIdleMs);
  if (gone) return Outcome::kGone;
  if (!ended) return failed(ended.error().detail);
  if (is_event_stream(head)) return failed("the stream of events ended");
  failed("no events: status " + std::to_string(head.status));
  if (head.status != 200 && !means_unsupported(head.status)) return Outcome::kRetry;
  // The context may be gone, or the server has no events.
  const auto seen = look(asking_);
  if (seen == Outcome::kGone || seen == Outcome::kRetry) return seen;
  return events_work_ ? Outcome::kRetry : Outcome::kUnsupported;
}

bool Session::on_event(const ServerEvent& event, bool& gone) {
  last_event_id_ = event.id;
  const auto notification = read_notification(event.data);
  // E.g. an update without any instance, which clause 6.4.4 cannot say.
  if (!notification) return look(asking_) != Outcome::kGone || (gone = true, false);
  static_cast<void>(apply({*notification, read_number(event.id)}, gone));
  return !gone;
}

bool Session::apply(const Told& told, bool& gone) {
  const auto& named = context_id_of(told.what);
  if (!named.empty() && named != state_.context_id()) return false;
  if (const auto* change = std::get_if<AddressChangeNotification>(&told.what)) {
    return state_.change_address(told.number, change->app_instance_id, change->reference_uri);
  }
  if (const auto* update = std::get_if<ApplicationContextUpdateNotification>(&told.what)) {
    return state_.update(told.number, update->user_app_instance_info);
  }
  gone = gone || std::holds_alternative<ApplicationContextDeleteNotification>(told.what);
  return true;
}

Session::Outcome Session::poll() {
  const auto begin = Clock::now();
  const auto generation = state_.generation();
  const bool wait = statistics().connected;  // first see whether it can be read at all
  const auto outcome = wait ? look(waiting_, true) : look(asking_);
  if (outcome == Outcome::kUnsupported) return failed("the context cannot be read", outcome);
  if (outcome != Outcome::kFine) return outcome;
  worked();
  const bool waited = Clock::now() - begin >= kWait / 2;
  if (wait && !waited && generation == state_.generation()) pause(shared_->options.poll_interval);
  return Outcome::kFine;
}

Session::Outcome Session::look(http::Client& http, bool wait) {
  for (int i = 0; i < kLooksMax; ++i) {
    const auto generation = state_.generation();
    const auto id = state_.context_id();
    http::Headers headers{{"Accept", "application/json"}};
    const auto revision = state_.revision();
    if (wait && revision) {
      headers.emplace_back("If-None-Match", "\"" + std::to_string(*revision) + "\"");
      headers.emplace_back("Prefer", "wait=" + std::to_string(kWait.count() / 1000));
    }
    const auto reply = http.send("GET", shared_->api.context_url(id), headers, "");
    if (!reply) return failed(reply.error().detail);
    if (state_.context_id() != id) return Outcome::kFine;  // made again meanwhile
    bool taken = true;
    const auto outcome = take(*reply, generation, taken);
    if (taken) return outcome;
  }
  return Outcome::kFine;  // news come so fast that the next one will do
}

Session::Outcome Session::take(const http::Reply& reply, std::uint64_t generation, bool& taken) {
  if (reply.status == 404 && (reads_work_ || events_work_)) return Outcome::kGone;
  if (means_unsupported(reply.status)) return Outcome::kUnsupported;
  if (reply.status == 304) {
    reads_work_ = true;
    return Outcome::kFine;
  }
  if (reply.status != 200) return failed("reading the context: " + refusal(reply).detail);
  const auto context = codec::decode_app_context(reply.body);
  if (!context) {
    return failed("reading the context: " + context.error().detail, Outcome::kUnsupported);
  }
  reads_work_ = true;
  const auto revision = revision_of(reply);
  const auto known = state_.revision();
  taken = state_.update(revision, context->app_info.user_app_instance_info, generation) ||
          (revision && known && *revision < *known);
  return Outcome::kFine;
}

Result<void> Session::open_mailbox() {
  close_mailbox();
  const auto mailbox = std::make_shared<Mailbox>();
  auto reference =
      shared_->hub.add([mailbox](Told told) { return mailbox->post(std::move(told)); });
  if (!reference) return reference.error();
  callback_reference_ = *reference;
  const std::lock_guard lock(mutex_);
  mailbox_ = mailbox;
  if (stopping_) mailbox_->close();
  return {};
}

void Session::close_mailbox() {
  if (!callback_reference_.empty()) shared_->hub.remove(callback_reference_);
  callback_reference_.clear();
  const std::lock_guard lock(mutex_);
  if (mailbox_) mailbox_->close();
  mailbox_.reset();
}

Session::Outcome Session::follow_callbacks() {
  if (!callback_registered_) {
    const auto outcome = register_callback();
    if (outcome != Outcome::kFine) return outcome;
  }
  worked();
  mailbox_->belongs_to(state_.context_id());
  const auto news = mailbox_->take(kCheckInterval);
  bool gone = false;
  for (const auto& told : news) static_cast<void>(apply(told, gone));
  if (gone) return Outcome::kGone;
  // A notification may be late or lost; where the context can be read, that decides.
  const auto seen = look(asking_);
  return seen == Outcome::kUnsupported && news.empty() ? probe() : seen;
}

Session::Outcome Session::register_callback() {
  if (callback_reference_.empty()) {
    const auto opened = open_mailbox();
    if (!opened) return failed(opened.error().detail, Outcome::kUnsupported);
  }
  request_.callback_reference = callback_reference_;
  const auto outcome = probe();
  if (outcome != Outcome::kFine) return outcome;
  callback_registered_ = true;
  const auto seen = look(asking_);  // what happened before it was registered
  return seen == Outcome::kUnsupported ? Outcome::kFine : seen;
}

Session::Outcome Session::probe() {
  auto context = request_;
  context.context_id = state_.context_id();
  const auto reply = shared_->api.update(asking_, context);
  if (!reply) return failed(reply.error().detail);
  if (reply->status >= 200 && reply->status < 300) {
    worked();
    return Outcome::kFine;
  }
  failed("registering the callback: " + refusal(*reply).detail);
  if (reply->status == 404) return Outcome::kGone;
  return reply->status < 500 ? Outcome::kUnsupported : Outcome::kRetry;
}

}  // namespace mx2::device
