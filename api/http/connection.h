// One client connection of PistacheServer: turns the bytes Pistache reads into Requests, one at a
// time, and writes the replies. Private to api/http.
//
// Pistache's parser drops whatever follows a complete message in the same read, and keeps only the
// first of several equal query names. So this class hands it one message at a time, cut at the
// blank line that ends the head, at Content-Length, or at line ends while a body is chunked; and
// takes the request target from the request line that the parser has just accepted.
//
// Threads: requests are read, and the Handler is called, on the thread of the connection's worker
// alone, whoever answers; send() and detach() run on any thread, the rest on the worker's. One
// mutex guards everything and is never held while the Handler runs.
#pragma once

#include <pistache/http.h>
#include <pistache/peer.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "api/base/fd.h"
#include "api/base/result.h"
#include "api/http/http.h"
#include "api/http/pistache_server.h"
#include "api/http/stream_loop.h"

namespace mx2::http {

// What all connections of a server share.
struct Shared {
  ServerOptions options;
  Handler* handler = nullptr;
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> in_flight{0};
  std::atomic<bool> draining{false};
  StreamLoop streams;
};

class Transport;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Peer = std::shared_ptr<Pistache::Tcp::Peer>;
  using Time = std::chrono::steady_clock::time_point;

  // `worker` must live for as long as anybody may answer.
  Connection(Shared& shared, Transport& worker, const Peer& peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void on_input(std::string_view bytes);
  void on_disconnect();
  void send(const Reply& reply);
  // Takes the request's reply, and with it the connection, out of Pistache's hands, which can only
  // wait for input. Nothing when the client has gone.
  [[nodiscard]] std::unique_ptr<Responder::Sink> detach(const ClientGone& gone);
  // Answers without a request and closes at once: there are too many connections.
  void refuse(const Error& error);
  // Goes on after an answer of another thread. The peer, if Pistache is to let it go.
  [[nodiscard]] Peer resume();
  // True, once, when for the idle timeout the client has completed no request and is owed no
  // answer, or has taken too little of the one that is being sent: it has been told, if it had
  // begun a request, and Pistache is to let it go.
  [[nodiscard]] bool expire(Time now);

 private:
  enum class Phase { kHead, kBody, kChunked, kTrailer };
  enum class Step { kAgain, kMore, kRequest };  // go on; wait for input; a request is complete

  void advance();
  [[nodiscard]] Step read_message();
  [[nodiscard]] Step read_head();
  [[nodiscard]] Step read_body();
  [[nodiscard]] Step read_chunked();
  [[nodiscard]] Step read_trailer();
  // How many bytes at the beginning of input_ the parser is to have.
  [[nodiscard]] Result<std::size_t> take_chunk_data(std::size_t length);
  [[nodiscard]] Result<std::size_t> take_chunk_size(std::size_t line_end);
  [[nodiscard]] Step begin_body();
  [[nodiscard]] Error too_large(std::size_t bytes) const;
  [[nodiscard]] Step reject(const Error& error);
  [[nodiscard]] Step reject(Reply reply);
  [[nodiscard]] std::optional<bool> feed(std::size_t bytes);
  void finish_message();
  [[nodiscard]] Request make_request();
  void write(std::string bytes, bool close, std::unique_lock<std::mutex>& lock);
  void write_to_orphan(std::string_view bytes);
  void on_written(bool close);
  void end_reply(bool close);
  void finish_request();
  void go_on(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool takes_its_answer();

  Shared& shared_;
  Transport& worker_;
  const std::weak_ptr<Pistache::Tcp::Peer> peer_;
  const std::string peer_address_;

  std::mutex mutex_;
  Pistache::Http::RequestParser parser_;
  std::string input_;  // read, not yet understood
  Phase phase_ = Phase::kHead;
  std::size_t body_left_ = 0;
  std::size_t chunk_left_ = 0;  // of a chunk's data and line end
  std::string method_;
  std::string target_;
  Headers headers_;
  bool keep_alive_ = true;  // as the current request asks
  bool head_only_ = false;  // its method is HEAD: the reply has no body
  bool advancing_ = false;  // a thread is inside advance()
  bool busy_ = false;       // a request is being answered
  Time since_;  // of the connection, the last complete request, its answer, or enough of that
                // having been taken, whichever came last
  std::uint64_t acked_ = 0;   // of all that was sent, at that time
  bool closing_ = false;      // nothing more is read
  bool detached_ = false;     // by detach(): Pistache is to let it go
  bool turned_away_ = false;  // by refuse()
  bool gone_ = false;         // Pistache has let the connection go
  std::string unwritten_;     // last reply, until the kernel has it
  Fd orphan_;                 // the client closed its sending half: its replies go here
};

// The way back of one request.
[[nodiscard]] std::unique_ptr<Responder::Sink> sink_for(std::shared_ptr<Connection> connection);

}  // namespace mx2::http
