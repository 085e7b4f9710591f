// How replies find their connection.
#include <fcntl.h>

#include "api/base/log.h"
#include "api/http/connection.h"
#include "api/http/transport.h"
#include "api/http/wire.h"

namespace mx2::http {
namespace {

// The connection is out of Pistache's hands; this reply, short or endless, is its last.
class DetachedSink final : public Responder::Sink {
 public:
  DetachedSink(Shared& shared, std::unique_ptr<Stream> stream, bool head_only)
      : shared_(shared), stream_(std::move(stream)), head_only_(head_only) {
    ++shared_.in_flight;
  }
  ~DetachedSink() override { --shared_.in_flight; }

  void send(Reply reply) noexcept override {
    stream_->send(serialise(reply, true, head_only_));
    stream_->close();
  }

  std::unique_ptr<Stream> stream(Reply head) noexcept override {
    const bool open = stream_->send(serialise_stream(head, head_only_)) && !head_only_;
    if (!open) stream_->close();
    return open ? std::move(stream_) : nullptr;
  }

 private:
  Shared& shared_;
  std::unique_ptr<Stream> stream_;
  const bool head_only_;
};

class ConnectionSink final : public Responder::Sink {
 public:
  explicit ConnectionSink(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)) {}

  void send(Reply reply) noexcept override {
    try {
      connection_->send(reply);
    } catch (const std::exception& e) {
      log::error("reply not sent", {{"reason", e.what()}});
    }
  }

  std::unique_ptr<Responder::Sink> detach(const ClientGone& gone) noexcept override {
    try {
      return connection_->detach(gone);
    } catch (const std::exception& e) {
      log::error("connection not detached", {{"reason", e.what()}});
      return nullptr;
    }
  }

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace

std::unique_ptr<Responder::Sink> sink_for(std::shared_ptr<Connection> connection) {
  return std::make_unique<ConnectionSink>(std::move(connection));
}

// A descriptor of its own, with which the stream outlives Pistache's interest in the connection.
std::unique_ptr<Responder::Sink> Connection::detach(const ClientGone& gone) {
  const std::lock_guard lock(mutex_);
  const auto peer = peer_.lock();
  if (gone_ || !peer) return nullptr;
  const int fd = ::fcntl(peer->fd(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return nullptr;
  auto stream = shared_.streams.add(fd, shared_from_this(), gone);
  auto sink = std::make_unique<DetachedSink>(shared_, std::move(stream), head_only_);
  detached_ = true;
  closing_ = true;
  input_.clear();
  finish_request();
  worker_.resume(shared_from_this());
  return sink;
}

}  // namespace mx2::http
