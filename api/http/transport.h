// One worker of a server: Pistache's transport (epoll, reading, queues for writing) on one thread,
// with what ours adds: it ends connections whose clients have had their time, and other threads can
// have a connection go on here. Private to api/http.
//
// Threads: hand_over() and resume() any; what is overridden, the worker's.
#pragma once

#include <pistache/mailbox.h>
#include <pistache/peer.h>
#include <pistache/transport.h>
#include <sys/socket.h>

#include <functional>
#include <memory>

#include "api/base/fd.h"
#include "api/http/connection.h"

namespace mx2::http {

class Transport final : public Pistache::Tcp::Transport {
 public:
  explicit Transport(Shared& shared);

  void registerPoller(Pistache::Polling::Epoll& poller) override;
  void onReady(const Pistache::Aio::FdSet& ready) override;
  [[nodiscard]] std::shared_ptr<Pistache::Aio::Handler> clone() const override;

  void hand_over(Fd socket, const sockaddr_storage& peer);
  void resume(std::shared_ptr<Connection> connection);
  // When the worker's thread has ended. Replies that are still to come go where clients wait.
  void close();

 private:
  void end_expired();
  void work();

  Shared& shared_;
  Fd timer_;
  Pistache::PollableQueue<std::function<void()>> work_;
};

}  // namespace mx2::http
