#include "api/http/connection.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>

#include "api/base/text.h"
#include "api/http/acked.h"
#include "api/http/head.h"
#include "api/http/problem.h"
#include "api/http/transport.h"
#include "api/http/wire.h"

namespace mx2::http {
namespace {

constexpr std::string_view kBlankLine = "\r\n\r\n";
constexpr std::uint64_t kTakenBytesPerS = 1024;  // whoever takes less of an answer does not want it
constexpr std::size_t kPipelinedBytesMax = 256 * 1024;  // read ahead while a request is answered

// How much of it the kernel took.
std::size_t write_now(int fd, std::string_view bytes) {
  const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

}  // namespace

Connection::Connection(Shared& shared, Transport& worker, const Peer& peer)
    : shared_(shared),
      worker_(worker),
      peer_(peer),
      peer_address_(peer->address().host()),
      parser_(shared.options.head_bytes_max + 2 * shared.options.body_bytes_max + 1024),
      since_(std::chrono::steady_clock::now()) {
  ++shared_.connections;
}

Connection::~Connection() { --shared_.connections; }

void Connection::on_input(std::string_view bytes) {
  {
    const std::lock_guard lock(mutex_);
    // Pistache forgets that it may write when it learns so together with input; an empty write
    // makes it ask the kernel again.
    const auto peer = peer_.lock();
    if (peer && !unwritten_.empty())
      peer->send(Pistache::RawBuffer(std::string(), 0), MSG_NOSIGNAL);
    if (closing_) return;
    input_ += bytes;
    if (busy_ && input_.size() > kPipelinedBytesMax) closing_ = true;
  }
  advance();
}

// The client may have closed only its sending half and still wait for its answer; Pistache closes
// the socket when this returns, so an answer still owed gets a descriptor of its own.
void Connection::on_disconnect() {
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    const auto peer = peer_.lock();
    if (!peer || (!busy_ && input_.empty())) {
      closing_ = true;
      return finish_request();
    }
    orphan_ = Fd(::fcntl(peer->fd(), F_DUPFD_CLOEXEC, 0));
    if (busy_ && unwritten_.empty()) return;  // its reply is still to come
    write_to_orphan(unwritten_);
    finish_request();
  }
  advance();  // what else the client had sent
}

// Only one thread reads messages at a time; whoever finds another at it leaves the work to it.
void Connection::advance() {
  std::unique_lock lock(mutex_);
  if (advancing_) return;
  advancing_ = true;
  while (!busy_ && !closing_) {
    const auto step = read_message();
    if (step == Step::kMore) break;
    if (step == Step::kAgain) continue;
    busy_ = true;
    ++shared_.in_flight;
    head_only_ = method_ == "HEAD";
    Request request = make_request();
    finish_message();
    lock.unlock();
    Responder responder(sink_for(shared_from_this()));
    if (shared_.draining) {
      responder.reply(problem_reply(unavailable("the server is shutting down")));
    } else {
      shared_.handler->handle(std::move(request), std::move(responder));
    }
    lock.lock();
  }
  advancing_ = false;
  if (gone_ && !busy_) orphan_.close();
}

Connection::Step Connection::read_message() {
  try {
    switch (phase_) {
      case Phase::kHead: return read_head();
      case Phase::kBody: return read_body();
      case Phase::kChunked: return read_chunked();
      case Phase::kTrailer: return read_trailer();
    }
  } catch (const std::exception&) {  // Pistache's, whose text says nothing to a client
    return reject(invalid_argument("malformed HTTP request"));
  }
  return Step::kMore;
}

Connection::Step Connection::read_head() {
  const auto start = input_.find_first_not_of("\r\n");  // RFC 9112 2.2: tolerate empty lines first
  input_.erase(0, std::min(start, input_.size()));
  const auto limit = shared_.options.head_bytes_max;
  const auto end = input_.find(kBlankLine);
  if (std::min(end, input_.size()) > limit) {
    const bool long_line = input_.find('\n') > limit;
    return reject(refused_as(long_line ? ErrorCode::kUriTooLong : ErrorCode::kHeadersTooLarge,
                             "request head longer than " + std::to_string(limit) + " bytes"));
  }
  if (end == std::string::npos) return Step::kMore;
  auto head = prepare_head(std::string_view(input_).substr(0, end + kBlankLine.size()));
  if (!head) return reject(head.error());
  if (head->content_length > shared_.options.body_bytes_max) {
    return reject(too_large(head->content_length));
  }
  if (!head->unsupported.empty()) {
    return reject(problem_reply(501, "not-implemented", "not supported: " + head->unsupported));
  }
  method_ = std::move(head->method);
  target_ = std::move(head->target);
  headers_ = std::move(head->headers);
  keep_alive_ = head->keep_alive;
  body_left_ = head->content_length;
  input_.replace(0, end + kBlankLine.size(), head->text);
  const auto done = feed(head->text.size());
  if (!done) return reject(too_large(0));
  return *done ? Step::kRequest : begin_body();
}

Error Connection::too_large(std::size_t bytes) const {
  return refused_as(
      ErrorCode::kTooLarge,
      "body " + (bytes > 0 ? "of " + std::to_string(bytes) + " bytes is" : std::string("is")) +
          " too large; at most " + std::to_string(shared_.options.body_bytes_max) + " bytes");
}

void Connection::finish_message() {
  parser_.reset();
  phase_ = Phase::kHead;
  body_left_ = 0;
  chunk_left_ = 0;
  since_ = std::chrono::steady_clock::now();
}

Request Connection::make_request() {
  Request request;
  request.method = method_;
  const auto path = strip_authority(target_);
  const auto question = path.find('?');
  request.path = path.substr(0, question);
  if (question != std::string_view::npos) request.query = path.substr(question + 1);
  request.headers = std::move(headers_);
  request.body = parser_.request.body();
  request.peer_address = peer_address_;
  return request;
}

Connection::Step Connection::reject(const Error& error) { return reject(problem_reply(error)); }

Connection::Step Connection::reject(Reply reply) {
  busy_ = true;
  ++shared_.in_flight;
  closing_ = true;
  reply.close = true;
  auto connection = shared_from_this();
  // Leaves the lock to advance(): the reply is written once it is released.
  std::unique_lock lock(mutex_, std::adopt_lock);
  write(serialise(reply, true, false), true, lock);
  lock.lock();
  lock.release();
  return Step::kMore;
}

void Connection::refuse(const Error& error) {
  std::unique_lock lock(mutex_);
  if (closing_) return;
  turned_away_ = true;
  static_cast<void>(reject(error));
}

Connection::Peer Connection::resume() {
  {
    const std::lock_guard lock(mutex_);
    if (detached_ && !std::exchange(gone_, true)) return peer_.lock();
  }
  advance();
  return nullptr;
}

bool Connection::expire(Time now) {
  const std::lock_guard lock(mutex_);
  const bool owed = busy_ && unwritten_.empty();
  if (owed || now - since_ < std::chrono::milliseconds(shared_.options.idle_timeout_ms)) {
    return false;
  }
  if (takes_its_answer()) {
    since_ = now;
    return false;
  }
  const bool begun = phase_ != Phase::kHead || !input_.empty();
  const auto peer = peer_.lock();
  if (begun && !closing_ && peer) {
    const auto reply = serialise(
        problem_reply(408, "request-timeout", "the request was not complete in time"), true, false);
    write_now(peer->fd(), reply);
  }
  gone_ = true;
  closing_ = true;
  finish_request();
  return true;
}

// Since it was looked at last, an idle timeout ago.
bool Connection::takes_its_answer() {
  const auto peer = peer_.lock();
  if (unwritten_.empty() || !peer) return false;
  const auto timeout_ms = static_cast<std::uint64_t>(shared_.options.idle_timeout_ms);
  const auto before = std::exchange(acked_, bytes_acked(peer->fd()));
  if (acked_ < before) return false;  // it is not known any more
  return acked_ - before >= std::max<std::uint64_t>(kTakenBytesPerS * timeout_ms / 1000, 1);
}

void Connection::send(const Reply& reply) {
  std::unique_lock lock(mutex_);
  const bool close = reply.close || !keep_alive_ || shared_.draining || closing_;
  if (close) closing_ = true;
  write(serialise(reply, close, head_only_), close, lock);
}

// Almost always the kernel takes a reply at once, and Pistache's queue would cost four more system
// calls and a change of thread. The lock keeps the descriptor ours: whoever has Pistache close it
// takes the lock before. Ends with the lock released: the callback may run here and now, and takes
// it again.
void Connection::write(std::string bytes, bool close, std::unique_lock<std::mutex>& lock) {
  const auto peer = gone_ ? nullptr : peer_.lock();
  if (peer) {
    bytes.erase(0, write_now(peer->fd(), bytes));
  } else {
    write_to_orphan(std::exchange(bytes, {}));
  }
  if (bytes.empty()) {
    end_reply(close);  // before on_disconnect() can take it for one still to come
    return go_on(lock);
  }
  unwritten_ = bytes;
  since_ = std::chrono::steady_clock::now();
  acked_ = bytes_acked(peer->fd());
  const auto size = bytes.size();
  auto promise = peer->send(Pistache::RawBuffer(std::move(bytes), size), MSG_NOSIGNAL);
  lock.unlock();
  promise.then([self = shared_from_this(), close](ssize_t) { self->on_written(close); },
               [](const std::exception_ptr&) {});
}

// A reply that does not fit into the kernel's buffer is cut short, and the last.
void Connection::write_to_orphan(std::string_view bytes) {
  if (write_now(orphan_.get(), bytes) != bytes.size()) closing_ = true;
}

void Connection::on_written(bool close) {
  std::unique_lock lock(mutex_);
  if (gone_) return;
  end_reply(close);
  go_on(lock);
}

// Half closed, so that a client still sending reads the reason before a reset; but one that was
// turned away must not keep a descriptor that others need.
void Connection::end_reply(bool close) {
  finish_request();
  since_ = std::chrono::steady_clock::now();
  const auto peer = gone_ ? nullptr : peer_.lock();
  if (close && peer) ::shutdown(peer->fd(), turned_away_ ? SHUT_RDWR : SHUT_WR);
}

void Connection::finish_request() {
  unwritten_.clear();
  if (!busy_) return;
  busy_ = false;
  --shared_.in_flight;
}

// After an answer, on whatever thread, which may be the store's: what else the client has sent is
// the worker's to read. Ends with the lock released.
void Connection::go_on(std::unique_lock<std::mutex>& lock) {
  const bool more = !closing_ && !input_.empty();
  if (gone_ && !more) orphan_.close();
  const bool worker_is_at_it = advancing_;
  lock.unlock();
  if (more && !worker_is_at_it) worker_.resume(shared_from_this());
}

}  // namespace mx2::http
