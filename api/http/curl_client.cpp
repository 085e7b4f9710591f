#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>

#include "api/base/text.h"
#include "api/http/http_client.h"

namespace mx2::http {
namespace {

using Clock = std::chrono::steady_clock;
using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

// What libcurl's callbacks fill.
struct Exchange {
  Reply reply;
  std::size_t header_bytes = 0;
  std::size_t header_bytes_max = 0;
  std::size_t body_bytes_max = 0;
  bool too_large = false;

  // For stream() only.
  CURL* handle = nullptr;
  const StreamSink* sink = nullptr;
  bool head_given = false;
  bool sink_left = false;
  Clock::time_point last_byte = Clock::now();

  // Libcurl's callbacks are C: what the sink throws must not pass through them.
  bool offer(const std::function<bool()>& give) noexcept {
    try {
      sink_left = !give();
    } catch (...) {
      sink_left = true;
    }
    return !sink_left;
  }
};

// The blank line after a head that is not interim (1xx).
bool give_head(Exchange& exchange) {
  long status = 0;
  curl_easy_getinfo(exchange.handle, CURLINFO_RESPONSE_CODE, &status);
  if (status < 200 || exchange.head_given) return true;
  exchange.head_given = true;
  exchange.reply.status = static_cast<int>(status);
  return exchange.offer([&] { return exchange.sink->on_head(exchange.reply); });
}

std::size_t on_body(const char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const auto bytes = size * count;
  exchange.last_byte = Clock::now();
  if (exchange.sink != nullptr) {
    return exchange.offer([&] { return exchange.sink->on_data({data, bytes}); }) ? bytes : 0;
  }
  if (bytes > exchange.body_bytes_max - exchange.reply.body.size()) {
    exchange.too_large = true;
    return 0;
  }
  exchange.reply.body.append(data, bytes);
  return bytes;
}

std::size_t on_header(const char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const auto bytes = size * count;
  exchange.last_byte = Clock::now();
  exchange.header_bytes += bytes;
  if (exchange.header_bytes > exchange.header_bytes_max) {
    exchange.too_large = true;
    return 0;
  }
  std::string_view line(data, bytes);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  // A status line begins a new head: what an interim reply (1xx) said does not count.
  if (line.substr(0, 5) == "HTTP/") exchange.reply.headers.clear();
  if (line.empty() && exchange.sink != nullptr) return give_head(exchange) ? bytes : 0;
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return bytes;
  const auto name = line.substr(0, colon);
  const auto value = trim(line.substr(colon + 1));
  if (equals_ignoring_case(name, "Content-Type")) exchange.reply.content_type = value;
  exchange.reply.headers.emplace_back(name, value);
  return bytes;
}

bool one_line(const std::string& text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos;
}

Error unreachable(ErrorCode code, std::string detail) {
  return {code, std::move(detail), {}, kUnreachable, {}, 0};
}

Error error_of(CURLcode code, const Exchange& exchange, const ClientOptions& options,
               const char* text) {
  if (exchange.too_large) {
    return unreachable(
        ErrorCode::kTooLarge,
        "the reply is larger than " + std::to_string(options.response_bytes_max) + " bytes");
  }
  const std::string reason = *text != '\0' ? text : curl_easy_strerror(code);
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT: return invalid_argument("no http or https URL: " + reason);
    case CURLE_OPERATION_TIMEDOUT: return unreachable(ErrorCode::kDeadlineExceeded, reason);
    default: return unreachable(ErrorCode::kUnavailable, reason);
  }
}

void allow_http_only(CURL* handle) {
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

}  // namespace

struct CurlClient::Impl {
  ClientOptions options;
  CURL* handle = nullptr;
  CURLM* multi = nullptr;  // holds the connections; its poll is what interrupt() wakes
  std::atomic<bool> interrupted{false};
  bool sent = false;
  char error_text[CURL_ERROR_SIZE] = {};

  ~Impl() {
    curl_easy_cleanup(handle);
    if (multi != nullptr) curl_multi_cleanup(multi);
  }

  Result<HeaderList> header_list(const Headers& headers) const {
    HeaderList list(nullptr, &curl_slist_free_all);
    const auto add = [&list](const std::string& line) {
      auto* grown = curl_slist_append(list.get(), line.c_str());
      if (grown == nullptr) throw std::bad_alloc();
      static_cast<void>(list.release());
      list.reset(grown);
    };
    // libcurl would wait for 100 Continue before a large body; the servers of this API never refuse
    // one by its head.
    add("Expect:");
    if (!options.bearer_token.empty()) add("Authorization: Bearer " + options.bearer_token);
    for (const auto& [name, value] : headers) {
      if (!one_line(name) || !one_line(value)) {
        return invalid_argument("header '" + name + "' has a line break");
      }
      add(value.empty() ? name + ";" : name + ": " + value);
    }
    return list;
  }

  void set_limits() {
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error_text);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, long{options.connect_timeout_ms});
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, long{options.timeout_ms});
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "mx2/" MX2_VERSION);
    if (!options.ca_file.empty()) {
      curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca_file.c_str());
    }
    allow_http_only(handle);
  }

  void set_request(const std::string& method, const std::string& url, const std::string& body) {
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
      curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
      curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    }
    if (method == "HEAD") curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method.c_str());
  }

  void set_sinks(Exchange& exchange) {
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
  }

  // idle_ms 0: only the timeouts of the handle count.
  CURLcode perform(const Exchange& exchange, int idle_ms) {
    if (curl_multi_add_handle(multi, handle) != CURLM_OK) return CURLE_FAILED_INIT;
    const auto idle_max = std::chrono::milliseconds(idle_ms);
    CURLcode code = CURLE_OK;
    for (int running = 1; running > 0 && code == CURLE_OK;) {
      if (interrupted) code = CURLE_ABORTED_BY_CALLBACK;
      if (code == CURLE_OK && curl_multi_perform(multi, &running) != CURLM_OK) {
        code = CURLE_FAILED_INIT;
      }
      if (code != CURLE_OK || running == 0) break;
      if (idle_ms > 0 && Clock::now() - exchange.last_byte >= idle_max) {
        code = CURLE_OPERATION_TIMEDOUT;
      }
      const int wait_ms = idle_ms > 0 ? std::min(idle_ms, 1000) : 1000;
      if (code == CURLE_OK) curl_multi_poll(multi, nullptr, 0, wait_ms, nullptr);
    }
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi, &left)) {
      if (message->msg == CURLMSG_DONE && code == CURLE_OK) code = message->data.result;
    }
    long bytes = 0;
    curl_easy_getinfo(handle, CURLINFO_REQUEST_SIZE, &bytes);
    sent = bytes > 0;
    curl_multi_remove_handle(multi, handle);
    return code;
  }

  Result<Reply> exchange_with(const std::string& method, const std::string& url,
                              const Headers& headers, const std::string& body, Exchange& exchange,
                              int idle_ms) {
    sent = false;
    if (!one_line(method) || !one_line(url)) return invalid_argument("a URL has no line breaks");
    if (!one_line(options.bearer_token)) return invalid_argument("the token has a line break");
    const auto list = header_list(headers);
    if (!list) return list.error();
    exchange.header_bytes_max = options.header_bytes_max;
    exchange.body_bytes_max = options.response_bytes_max;
    exchange.handle = handle;
    curl_easy_reset(handle);  // options only: connections stay open
    error_text[0] = '\0';
    set_limits();
    set_request(method, url, body);
    set_sinks(exchange);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, list->get());
    if (exchange.sink != nullptr) curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, 0L);
    const auto code = perform(exchange, idle_ms);
    if (interrupted) return unreachable(ErrorCode::kUnavailable, "interrupted");
    if (code != CURLE_OK && !exchange.sink_left) {
      return error_of(code, exchange, options, error_text);
    }
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    exchange.reply.status = static_cast<int>(status);
    return std::move(exchange.reply);
  }
};

CurlClient::CurlClient(ClientOptions options) : impl_(std::make_unique<Impl>()) {
  static const CURLcode kReady = curl_global_init(CURL_GLOBAL_DEFAULT);
  impl_->options = std::move(options);
  impl_->handle = curl_easy_init();
  impl_->multi = curl_multi_init();
  if (kReady != CURLE_OK || impl_->handle == nullptr || impl_->multi == nullptr) {
    throw std::runtime_error("libcurl cannot be initialised");
  }
}

CurlClient::~CurlClient() = default;

Result<Reply> CurlClient::send(const std::string& method, const std::string& url,
                               const Headers& headers, const std::string& body) {
  Exchange exchange;
  return impl_->exchange_with(method, url, headers, body, exchange, 0);
}

Result<Reply> CurlClient::stream(const std::string& url, const Headers& headers,
                                 const StreamSink& sink, int idle_ms) {
  Exchange exchange;
  exchange.sink = &sink;
  return impl_->exchange_with("GET", url, headers, "", exchange, idle_ms);
}

void CurlClient::interrupt() noexcept {
  impl_->interrupted = true;
  curl_multi_wakeup(impl_->multi);
}

bool CurlClient::was_sent() const { return impl_->sent; }

}  // namespace mx2::http
