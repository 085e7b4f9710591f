// The listening socket of a server, and the thread that accepts from it. Ours, as Pistache's
// acceptor turns in a loop for as long as the process is out of descriptors, and listens with a
// backlog of 128, so that in a burst some clients wait a second for their second SYN.
//
// When a connection cannot be accepted for want of descriptors or memory, accepting pauses: clients
// wait in the backlog, one line in the log says why (at most every ten seconds), and another when
// they are served again.
// Private to api/http.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "api/base/fd.h"

namespace mx2::http {

class Acceptor {
 public:
  // Takes over a connected socket, non-blocking and closed on exec; on the acceptor's thread.
  using Take = std::function<void(Fd socket, const sockaddr_storage& peer)>;

  // Listens at once; throws std::runtime_error when the address cannot be used.
  Acceptor(const std::string& address, std::uint16_t port);
  ~Acceptor() { stop(); }
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  void start(Take take);
  // Idempotent. Whoever waits in the backlog is refused.
  void stop();

 private:
  void run();
  [[nodiscard]] int accept_waiting();
  void pause(int error);
  void resume();

  Fd listening_;
  Fd wake_;
  Take take_;
  std::thread thread_;
  // Of the thread.
  bool paused_ = false;
  bool told_ = false;  // that it pauses
  std::chrono::steady_clock::time_point tell_at_;
};

}  // namespace mx2::http
