// A λ that moves without its caller noticing: the device application's side of ETSI GS MEC 016
// V2.2.1 over Mx2.
//
//   mx2::client::Client client({.url = "http://localhost:8080"});
//   auto context = client.open({.app_name = "facedetect"});
//   auto reply = context->invoke(picture, "image/jpeg");   // wherever the λ is by now
//
// Errors: every call that can fail returns a Result; nothing is thrown, but by the user's own
// callbacks, whose exceptions are swallowed, and std::bad_alloc.
// Threads: Client and Context may be used from any thread, several at once; moving and destroying
// them is for one that no other is about to use them beside. Each open Context has one thread of
// its own, and one more from the first move on that on_move() has to tell; a callback server, if
// one is needed, has one for all contexts of a Client. Callbacks: each runs on a thread of the
// library, one call at a time, in order, never inside a call of the application, and holds up
// nothing: news arrive, and calls go on, while it runs. The library holds no lock while it runs, is
// copied or dies. So everything may be called inside it, close(), wait_for_move() and on_move() as
// well, and its Context and Client may be moved and destroyed there; what other threads are calling
// meanwhile ends as after close(). It lives until it is replaced or its Context closed. Who
// replaces or closes waits for it to end, unless this is itself inside a callback, of whichever
// Context; so do not hold a lock there that the callback takes. Signals: a callback server makes
// the process ignore SIGPIPE. Ownership: a Context outlives its Client if it has to, and its
// destructor deletes the context at the orchestrator. No destructor throws, none takes longer than
// ClientOptions::timeout and what a callback takes that is running. Time: only the steady clock
// counts. Times of ClientOptions are a day at most.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#if defined(__GNUC__)
#define MX2_CLIENT_API __attribute__((visibility("default")))
#else
#define MX2_CLIENT_API
#endif

namespace mx2::client {

enum class ErrorCode {
  kInvalidArgument,  // what was asked cannot be sent: a URL, an empty name, a line break
  kRefused,          // the orchestrator said no; `status` and `message` tell why
  kUnreachable,      // no connection, or it broke
  kTimeout,          // no complete answer in time
  kProtocol,         // an answer that is not of MEC 016
  kNoEndpoint,       // the λ runs nowhere at present
  kClosed,           // the context has been closed
};

struct Error {
  ErrorCode code = ErrorCode::kProtocol;
  std::string message;  // a sentence for people
  int status = 0;       // of HTTP, when there was an answer
  std::string type{};   // of the problem (RFC 7807), if told: "urn:mx2:problem:no-host"
};

// A value or an Error. value() and * need ok().
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)
  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] T& value() { return std::get<0>(state_); }
  [[nodiscard]] const T& value() const { return std::get<0>(state_); }
  [[nodiscard]] const Error& error() const { return std::get<1>(state_); }
  T& operator*() { return value(); }
  T* operator->() { return &value(); }
  const T& operator*() const { return value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Error> state_;
};

// A user application on offer, clause 6.2.2. Empty: not told.
struct App {
  std::string app_d_id;
  std::string app_name;
  std::string app_provider;
  std::string app_soft_version;
  std::string app_d_version;
  std::string app_description;
  std::optional<std::int64_t> latency_ms;  // appCharcs: greatest latency it can live with
};

// Only applications with one of these names and one of these providers; empty: any.
struct AppFilter {
  std::vector<std::string> names{};
  std::vector<std::string> providers{};
};

// WGS 84 degrees.
struct Position {
  double longitude = 0;
  double latitude = 0;
};

// IETF RFC 4776 section 3.4: type 1 is a state, 3 a city, 6 a street, …
struct CivicAddressElement {
  std::int64_t type = 0;
  std::string value{};
};

// Where the λ has to run, clause 6.5.2; what is empty does not matter.
struct Location {
  std::string country_code{};  // ISO 3166, two capitals
  std::vector<CivicAddressElement> civic_address{};
  std::vector<std::vector<Position>> area{};  // rings: the outline, then holes; each closed
};

// How a context learns of its moves.
enum class Channel {
  kAuto,      // the first of the next three that the orchestrator and this machine are able to
  kEvents,    // server-sent events, an extension of our orchestrator
  kCallback,  // notifications to a server of ours, clause 7.4: any MEC 016 orchestrator
  kPolling,   // conditional GETs that wait at the server, or, without that, one each poll_interval
};

enum class Strategy {
  kSingle,    // call the first endpoint
  kMultiple,  // uncoordinated access: the primary, now and then others, too; the fastest becomes it
};

// Clause 6.2.3. Only app_name or app_d_id must be there: provider and versions that are empty are
// taken from the application list, the first entry that fits.
struct ContextRequest {
  std::string app_name{};
  std::string app_provider{};
  std::string app_d_version{};
  std::string app_soft_version{};
  std::string app_d_id{};
  std::string device_app_id{};  // associateDevAppId; empty: a random one
  std::optional<Location> location{};
  bool auto_instantiation = false;  // appAutoInstantiation: instantiate it if it runs nowhere
  bool location_updates = false;    // appLocationUpdates; passed on, the news is not used
  std::size_t endpoints = 1;        // how many instances to ask for, at most 16
  Channel channel = Channel::kAuto;
  Strategy strategy = Strategy::kSingle;
  double persistence = 0.05;  // kMultiple: probability that another endpoint is called, too
};

struct Move {
  std::string from;  // empty: it ran nowhere
  std::string to;    // empty: it runs nowhere for now
  std::vector<std::string> endpoints;
};

struct Statistics {
  std::uint64_t moves = 0;
  std::uint64_t recreations = 0;     // the orchestrator had lost the context
  std::uint64_t calls = 0;           // of invoke()
  std::uint64_t retries = 0;         // second attempts
  Channel channel = Channel::kAuto;  // in use; kAuto: not decided yet
  bool connected = false;            // the channel works at present
  std::string last_error;            // of the channel, the latest; empty: none
};

struct Reply {
  int status = 0;
  std::string content_type;
  std::string body;
  std::string endpoint;  // who answered
  int attempts = 1;
  std::chrono::microseconds latency{0};  // of the whole call, with retries
};

struct ClientOptions {
  std::string url = "http://localhost:8080";  // apiRoot: resources are below {url}/dev_app/v1
  std::string bearer_token{};                 // to the orchestrator only, never to a λ
  std::string ca_file{};  // PEM file of certificates to trust with https; empty: the system's
  std::chrono::milliseconds timeout{5000};          // of one exchange with the orchestrator
  std::chrono::milliseconds connect_timeout{1000};  // of a connection to an endpoint
  std::chrono::milliseconds invoke_timeout{10000};  // of one attempt of invoke()
  std::chrono::milliseconds move_wait{1000};        // how long invoke() waits for a move to show
  // Of a λ: it may have moved, look again. Those below 500 an application has of its own: the
  // orchestrator is asked once, and not again before there is news or the channel was lost.
  std::vector<int> moved_statuses{404, 410, 502, 503};
  std::chrono::milliseconds poll_interval{1000};  // kPolling, if the server does not wait for us
  std::string callback_address{};   // of our callback server; empty: that of the route to `url`
  std::uint16_t callback_port = 0;  // 0: any free port
  std::size_t response_bytes_max = 64U << 20U;  // of a λ's answer
};

class Context;

// One orchestrator. The constructor asks nothing of the network; a wrong option is told by the
// first call.
class MX2_CLIENT_API Client {
 public:
  explicit Client(ClientOptions options = {});
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  // Clause 7.3.3.1.
  Result<std::vector<App>> apps(const AppFilter& filter = {});
  // Clause 7.4.3.4. Returns when the orchestrator has made the context; with auto_instantiation it
  // may be without an endpoint for a while.
  Result<Context> open(const ContextRequest& request);

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

// An application context and what it takes to keep it. A moved-from Context may only be destroyed
// or assigned to.
class MX2_CLIENT_API Context {
 public:
  ~Context();  // close(), without its result
  Context(Context&&) noexcept;
  Context& operator=(Context&&) noexcept;

  // contextId; another one after a re-creation.
  [[nodiscard]] std::string id() const;
  // Where the λ is now: referenceURI of the primary instance. Empty: nowhere.
  [[nodiscard]] std::string endpoint() const;
  // All of userAppInstanceInfo that have an address, in order.
  [[nodiscard]] std::vector<std::string> endpoints() const;
  [[nodiscard]] Statistics statistics() const;

  // `callback` is called after each move, as "Callbacks" above says; who lags by more than 64 is
  // told of several as of one. Replaces the one before; empty: none, and moves not told yet are
  // dropped.
  void on_move(std::function<void(const Move&)> callback);
  // Waits until endpoint() is another than `known`, or than at the time of the call. False: it is
  // not, after `timeout` or because the context was closed.
  bool wait_for_move(std::chrono::milliseconds timeout);
  bool wait_for_move(std::chrono::milliseconds timeout, const std::string& known);

  // POSTs `payload` to the endpoint. λ are stateless, so that a call may be repeated: on no
  // connection, no answer in time or one of moved_statuses, it asks the orchestrator, waits up to
  // move_wait for another endpoint and tries there once more; without another one it tries the
  // same again only if it cannot have received the request. It does not wait on a status below 500
  // (404, 410) where the orchestrator still leads there: that is the λ's own. Any complete answer
  // of a λ is a Reply, whatever its status.
  Result<Reply> invoke(std::string_view payload,
                       const std::string& content_type = "application/octet-stream");

  // Deletes the context, clause 7.5.3.5, and ends everything that belongs to it; calls under way
  // end as they can, later ones give kClosed. Once it has returned no callback runs, if it was not
  // called inside one. An Error: the orchestrator did not confirm. A second close() only waits for
  // the callback.
  Result<bool> close();

  struct Impl;
  explicit Context(std::shared_ptr<Impl> impl);  // of the library

 private:
  std::shared_ptr<Impl> impl_;
};

[[nodiscard]] MX2_CLIENT_API const char* name_of(Channel channel);  // "events", …

}  // namespace mx2::client
