#include "api/http/exchanges.h"

#include <sys/socket.h>

#include <algorithm>
#include <new>
#include <stdexcept>

#include "api/base/text.h"

namespace mx2::http::curl {
namespace {

// Once for the process.
void initialise() {
  static const CURLcode kReady = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (kReady != CURLE_OK) throw std::runtime_error("libcurl cannot be initialised");
}

Error too_large(const std::string& what, std::size_t bytes_max) {
  return unreachable(ErrorCode::kTooLarge,
                     what + " is larger than " + std::to_string(bytes_max) + " bytes");
}

// libcurl's callbacks are C: what a sink throws must not pass through them.
template <typename Give>
bool offer(Transfer::Incoming& in, Give give) noexcept {
  try {
    in.enough = !give();
  } catch (...) {
    in.enough = true;
  }
  return !in.enough;
}

bool take_body(Transfer& transfer, std::string_view bytes) {
  auto& in = transfer.incoming;
  const auto& options = transfer.options;
  if (const auto& give = transfer.request.sink.on_data) {
    return offer(in, [&] { return give(bytes); });
  }
  const auto room = options.response_bytes_max - in.reply.body.size();
  if (bytes.size() > room && !options.in_brief) {
    in.error = too_large("the reply", options.response_bytes_max);
    return false;
  }
  in.reply.body.append(bytes.substr(0, room));
  in.enough = bytes.size() > room;
  return !in.enough;
}

// The blank line after a head, which may be interim (1xx), or after trailers.
bool give_head(Transfer& transfer) {
  auto& in = transfer.incoming;
  const auto& give = transfer.request.sink.on_head;
  in.reply.status = status_of(transfer.handle.get());
  if (!give || in.head_given || in.reply.status < 200) return true;
  in.head_given = true;
  return offer(in, [&] { return give(in.reply); });
}

// What follows from it is small: where something is, and who speaks.
bool is_kept_in_brief(std::string_view name) {
  return equals_ignoring_case(name, "Location") || equals_ignoring_case(name, "Mx2-Store");
}

bool take_header(Transfer& transfer, std::string_view line) {
  auto& in = transfer.incoming;
  const auto& options = transfer.options;
  in.header_bytes += line.size();
  if (in.header_bytes > options.header_bytes_max) {
    in.error = too_large("the reply's head", options.header_bytes_max);
    return false;
  }
  line = line.substr(0, line.find_last_not_of("\r\n") + 1);
  // A status line begins a new head: what an interim reply (1xx) said does not count.
  if (line.substr(0, 5) == "HTTP/") in.reply.headers.clear();
  if (line.empty()) return give_head(transfer);
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  const auto name = line.substr(0, colon);
  if (options.in_brief && !is_kept_in_brief(name)) return true;
  const auto value = trim(line.substr(colon + 1));
  if (equals_ignoring_case(name, "Content-Type")) in.reply.content_type = value;
  in.reply.headers.emplace_back(name, value);
  return true;
}

std::size_t on_body(const char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.heard = Steady::now();
  return take_body(transfer, {data, size * count}) ? size * count : 0;
}

std::size_t on_header(const char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.heard = Steady::now();
  return take_header(transfer, {data, size * count}) ? size * count : 0;
}

bool may_connect(const Transfer& transfer, const sockaddr& address) {
  const auto& options = transfer.options;
  const bool asked = options.may_connect && !transfer.request.may_go_anywhere;
  if (!asked || !options.unix_socket.empty()) return true;
  const auto ip = IpAddress::of(address);
  return ip && options.may_connect(*ip);
}

// Unlike libcurl's own, it is not inherited by programs that we start.
curl_socket_t open_socket(void* user, curlsocktype /*purpose*/, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(user);
  auto& in = transfer.incoming;
  if (!may_connect(transfer, address->addr)) {
    // Of a host with others that may be, what became of those counts.
    if (!in.tried) {
      in.error =
          refused_as(ErrorCode::kForbidden, "the address of the host is not allowed", kNotAllowed);
    }
    return CURL_SOCKET_BAD;
  }
  in.tried = true;
  in.error.reset();
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void set_file(CURL* handle, CURLoption option, const std::string& path) {
  if (!path.empty()) curl_easy_setopt(handle, option, path.c_str());
}

// What every request is bound by, whoever it is for: http and https only, no redirects, no proxies
// of the environment.
void set_bounds(CURL* handle, const ClientOptions& options) {
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "mx2/" MX2_VERSION);
  set_file(handle, CURLOPT_CAINFO, options.ca_file);
  set_file(handle, CURLOPT_SSLCERT, options.certificate_file);
  set_file(handle, CURLOPT_SSLKEY, options.key_file);
  set_file(handle, CURLOPT_UNIX_SOCKET_PATH, options.unix_socket);
#if LIBCURL_VERSION_NUM >= 0x075700
  // Debian's libcurl resolves in a thread. A transfer that ends before it leaves it behind; else it
  // would wait, and neither a timeout nor an interruption would count while a name is slow.
  curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);
#endif
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

void set_callbacks(CURL* handle, Transfer& transfer) {
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, transfer.error_text.data());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_PRIVATE, &transfer);
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, &transfer);
}

void set_request(Transfer& transfer, const std::string& body) {
  auto* handle = transfer.handle.get();
  const auto& method = transfer.request.method;
  curl_easy_setopt(handle, CURLOPT_URL, transfer.request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, transfer.headers.get());
  curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);  // whatever the one before was
  if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  }
  if (method == "HEAD") curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(handle, CURLOPT_FORBID_REUSE, transfer.request.may_go_anywhere ? 1L : 0L);
}

// What is left of a time that began to run then; 0 is no limit.
long left_of(int limit_ms, Time begun) {
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - begun);
  return limit_ms == 0 ? 0L : std::max(limit_ms - static_cast<long>(waited.count()), 1L);
}

Result<Reply> result_of(CURLcode code, Transfer& transfer) {
  auto& in = transfer.incoming;
  auto* handle = transfer.handle.get();
  if (code != CURLE_OK && !in.enough) {
    if (in.error) return *in.error;
    return error_of(handle, code, transfer.error_text.data());
  }
  in.reply.status = status_of(handle);
  return std::move(in.reply);
}

}  // namespace

Transfer::Transfer(const ClientOptions& given)
    : options(given), handle(curl_easy_init(), &curl_easy_cleanup) {
  if (!handle) throw std::bad_alloc();
  set_bounds(handle.get(), options);
  set_callbacks(handle.get(), *this);
}

Exchanges::Exchanges(const ClientOptions& options) : options_(options) {
  initialise();
  multi_ = curl_multi_init();
  if (multi_ == nullptr) throw std::runtime_error("libcurl cannot be initialised");
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(options_.connections_max));
}

Exchanges::~Exchanges() {
  abandon();
  idle_.clear();
  curl_multi_cleanup(multi_);
}

std::unique_ptr<Transfer> Exchanges::take_transfer() {
  if (idle_.empty()) return std::make_unique<Transfer>(options_);
  auto transfer = std::move(idle_.back());
  idle_.pop_back();
  return transfer;
}

std::unique_ptr<Transfer> Exchanges::prepare(OutgoingRequest request, Callback<Result<Reply>> done,
                                             const std::string* lent_body) {
  auto transfer = take_transfer();
  last_was_sent_ = false;
  transfer->begun = transfer->heard = Steady::now();
  transfer->request = std::move(request);
  transfer->done = std::make_unique<Callback<Result<Reply>>>(std::move(done));
  auto& asked = transfer->request;
  if (!options_.bearer_token.empty()) {
    asked.headers.emplace(asked.headers.begin(), "Authorization",
                          "Bearer " + options_.bearer_token);
  }
  auto headers = header_list(asked.headers);
  if (!headers || !one_line(asked.url) || !one_line(asked.method)) {
    refuse(std::move(transfer),
           headers ? invalid_argument("a URL or method has a line break") : headers.error());
    return nullptr;
  }
  transfer->headers = std::move(*headers);
  set_request(*transfer, lent_body == nullptr ? asked.body : *lent_body);
  return transfer;
}

void Exchanges::start(std::unique_ptr<Transfer> transfer) {
  auto* handle = transfer->handle.get();
  const int timeout_ms = transfer->request.timeout_ms.value_or(options_.timeout_ms);
  curl_easy_setopt(handle, CURLOPT_RESOLVE, transfer->resolved.get());
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   left_of(options_.connect_timeout_ms, transfer->begun));
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, left_of(timeout_ms, transfer->begun));
  if (curl_multi_add_handle(multi_, handle) != CURLM_OK) {
    refuse(std::move(transfer),
           unreachable(ErrorCode::kUnavailable, "the exchange cannot be begun"));
    return;
  }
  auto* key = transfer.get();
  busy_.emplace(key, std::move(transfer));
}

void Exchanges::refuse(std::unique_ptr<Transfer> transfer, Error error) {
  refused_.emplace_back(std::move(transfer), std::move(error));
}

void Exchanges::answer() {
  for (auto& [transfer, error] : std::exchange(refused_, {})) {
    finish(std::move(transfer), std::move(error));
  }
  int left = 0;
  while (const auto* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    Transfer* key = nullptr;
    auto* handle = message->easy_handle;
    const auto code = message->data.result;
    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &key);
    last_was_sent_ = was_sent(handle);
    curl_multi_remove_handle(multi_, handle);
    auto ended = busy_.extract(key);
    auto result = result_of(code, *key);
    finish(std::move(ended.mapped()), std::move(result));
  }
}

void Exchanges::finish(std::unique_ptr<Transfer> transfer, Result<Reply> result) {
  const auto done = std::move(transfer->done);
  transfer->request = {};
  transfer->incoming = {};
  transfer->error_text[0] = '\0';
  transfer->resolved.reset();
  idle_.push_back(std::move(transfer));
  (*done)(std::move(result));
}

void Exchanges::abandon() {
  last_was_sent_ = false;
  for (const auto& entry : busy_) {
    auto* handle = entry.first->handle.get();
    last_was_sent_ = was_sent(handle);
    curl_multi_remove_handle(multi_, handle);
  }
  busy_.clear();
  refused_.clear();
}

}  // namespace mx2::http::curl
