// HTTP as values: what a handler sees of a request and says in a reply. No library shows through.
//
// Threads: a Handler is called from the server's worker threads, several at once. It may answer at
// once or keep the Responder and answer later from any other thread; a Responder destroyed without
// an answer answers 500, so that no client waits for ever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mx2::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;  // "GET", "POST", …
  std::string path;    // still percent-encoded, starts with '/', without the query
  std::string query;   // still percent-encoded, without the '?'
  Headers headers;     // names as they came; look up with header()
  std::string body;
  std::string peer_address;  // textual address of the TCP peer
  std::string id;            // correlation id; set by the router

  // Value of a header, name compared without regard to case; nothing when it is absent.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

struct Reply {
  int status = 200;
  std::string content_type;  // empty: no Content-Type header
  std::string body;          // not sent with 204
  Headers headers;           // extra headers, in the case they are to be written
  bool close = false;        // end the connection after this reply
};

[[nodiscard]] Reply json_reply(int status, std::string body);
[[nodiscard]] Reply no_content();

// The body of a reply that is sent piece by piece, for as long as both sides like. Owned by whoever
// produces it, who ends it before the server stops.
//
// Threads: any.
class Stream {
 public:
  virtual ~Stream() = default;  // closes
  // Never waits for the network: what the client does not take at once is kept, up to
  // kStreamUnsentBytesMax. False: the stream is over, because the client has gone, reads too slowly
  // or close() was called; nothing more will be sent.
  virtual bool send(std::string_view bytes) noexcept = 0;
  // Ends the body after what was sent. Idempotent.
  virtual void close() noexcept = 0;
};

inline constexpr std::size_t kStreamUnsentBytesMax = 256 * 1024;

// Called at most once, when the client has gone, or closed its sending half, before the end of the
// reply; from a thread of the server that holds no lock, possibly before detach() returns. Not
// called when send() has said so. What it captures must live until the server has stopped.
using ClientGone = std::function<void()>;

// The way back to one client. Moved, never copied; answers exactly once.
class Responder {
 public:
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void send(Reply reply) noexcept = 0;
    // The same way back, made ready for a long wait; nothing when that cannot be had.
    virtual std::unique_ptr<Sink> detach(const ClientGone& /*gone*/) noexcept { return nullptr; }
    // Begins a body without a length; nothing when there is none to send.
    virtual std::unique_ptr<Stream> stream(Reply head) noexcept;
  };
  using Observer = std::function<void(Reply&)>;  // may add headers; sees every reply, also the 500

  explicit Responder(std::unique_ptr<Sink> sink) : sink_(std::move(sink)) {}
  Responder(Responder&&) noexcept = default;
  Responder& operator=(Responder&&) = delete;
  ~Responder();

  void observe(Observer observer) { observer_ = std::move(observer); }
  void reply(Reply reply) noexcept;
  // The answer will take long: the idle timeout does not apply while it is owed, the client's
  // leaving is told, and the connection ends after it.
  void detach(const ClientGone& gone) noexcept;
  // Sends `head`, with its body if any, and leaves the body open: it ends when the connection does.
  // Detaches. Nothing when there is no body to send: the request was HEAD, or the client has gone.
  [[nodiscard]] std::unique_ptr<Stream> stream(Reply head, const ClientGone& gone) noexcept;

 private:
  std::unique_ptr<Sink> sink_;
  Observer observer_;
};

class Handler {
 public:
  virtual ~Handler() = default;
  virtual void handle(Request request, Responder responder) = 0;
};

// A listening server. Real: PistacheServer. Tests may call a Handler directly instead.
class Server {
 public:
  virtual ~Server() = default;
  // Listens and serves `handler` on threads of its own; throws std::runtime_error with a readable
  // text when the address cannot be used. `handler` must outlive stop().
  virtual void start(Handler& handler) = 0;
  // The port in use, also when 0 was asked for. Still known after stop(); 0 before start().
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // Answers what was accepted (waiting at most `grace_ms`), refuses the rest with 503, then closes.
  virtual void stop(int grace_ms) = 0;
};

}  // namespace mx2::http
