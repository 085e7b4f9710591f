// Replies that Pistache cannot watch over: event streams, and answers that wait for an event. Each
// has a descriptor of its own for its client's socket, and one thread watches all of them through
// epoll: it writes what a client did not take at once and notices who leaves. Private to api/http.
//
// A client that leaves without a word (no FIN: a UE that has changed its network) is noticed
// kUnackedMs after the next bytes for it. One that keeps more than kStreamUnsentBytesMax waiting is
// cut off with a reset.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "api/http/http.h"

namespace mx2::http {

class StreamSocket;

class StreamLoop {
 public:
  StreamLoop() = default;
  ~StreamLoop();
  StreamLoop(const StreamLoop&) = delete;
  StreamLoop& operator=(const StreamLoop&) = delete;

  // A stream on the connected socket `fd`, which becomes its own in any case. `connection` is kept
  // until the stream is over. Throws std::runtime_error after stop() or when the kernel refuses;
  // the first call starts the thread.
  [[nodiscard]] std::unique_ptr<Stream> add(int fd, std::shared_ptr<void> connection,
                                            ClientGone gone);
  // Cuts what is still open. Waits for a ClientGone that is running.
  void stop();

 private:
  friend class StreamSocket;
  void start();
  void run();
  bool watch(int operation, int fd, std::uint64_t id, bool unsent) const;
  void forget(int fd, std::uint64_t id);
  [[nodiscard]] std::shared_ptr<StreamSocket> find(std::uint64_t id);

  std::mutex mutex_;
  bool stopped_ = false;
  int epoll_ = -1;  // made by the first add(), closed by the destructor
  int wake_ = -1;
  std::atomic<std::uint64_t> last_id_{0};
  std::unordered_map<std::uint64_t, std::shared_ptr<StreamSocket>> sockets_;
  std::thread thread_;
};

}  // namespace mx2::http
