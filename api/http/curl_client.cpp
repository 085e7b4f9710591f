#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>

#include "api/base/text.h"
#include "api/http/curl_support.h"
#include "api/http/http_client.h"

namespace mx2::http {
namespace {

using Clock = std::chrono::steady_clock;

// What libcurl's callbacks fill.
struct Exchange {
  Reply reply;
  std::size_t header_bytes = 0;
  std::size_t header_bytes_max = 0;
  std::size_t body_bytes_max = 0;
  bool too_large = false;
  bool skipped = false;  // interrupt_once() was for it

  // For stream() only.
  CURL* handle = nullptr;
  const StreamSink* sink = nullptr;
  int total_ms = 0;
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
  const int status = curl::status_of(exchange.handle);
  if (status < 200 || exchange.head_given) return true;
  exchange.head_given = true;
  exchange.reply.status = status;
  return exchange.offer([&] { return exchange.sink->on_head(exchange.reply); });
}

std::size_t take_body(const char* data, std::size_t size, std::size_t count, void* user) {
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

std::size_t take_header(const char* data, std::size_t size, std::size_t count, void* user) {
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

}  // namespace

struct CurlClient::Impl {
  ClientOptions options;
  CURL* handle = nullptr;
  CURLM* multi = nullptr;  // holds the connections; its poll is what interrupt() wakes
  std::atomic<bool> interrupted{false};
  std::atomic<bool> skip_one{false};
  bool sent = false;
  char error_text[CURL_ERROR_SIZE] = {};

  ~Impl() {
    curl_easy_cleanup(handle);
    if (multi != nullptr) curl_multi_cleanup(multi);
  }

  [[nodiscard]] Result<curl::HeaderList> header_list(const Headers& headers) const {
    if (options.bearer_token.empty()) return curl::header_list(headers);
    Headers with_token{{"Authorization", "Bearer " + options.bearer_token}};
    with_token.insert(with_token.end(), headers.begin(), headers.end());
    return curl::header_list(with_token);
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
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
  }

  // idle_ms 0: only the timeouts of the handle count.
  CURLcode perform(Exchange& exchange, int idle_ms) {
    if (curl_multi_add_handle(multi, handle) != CURLM_OK) return CURLE_FAILED_INIT;
    const auto idle_max = std::chrono::milliseconds(idle_ms);
    CURLcode code = CURLE_OK;
    for (int running = 1; running > 0 && code == CURLE_OK;) {
      if (skip_one.exchange(false)) exchange.skipped = true;
      if (interrupted || exchange.skipped) code = CURLE_ABORTED_BY_CALLBACK;
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
    sent = curl::was_sent(handle);
    curl_multi_remove_handle(multi, handle);
    return code;
  }

  Result<Reply> exchange_with(const std::string& method, const std::string& url,
                              const Headers& headers, const std::string& body, Exchange& exchange,
                              int idle_ms) {
    sent = false;
    if (!curl::one_line(method) || !curl::one_line(url)) {
      return invalid_argument("a URL has no line breaks");
    }
    const auto list = header_list(headers);
    if (!list) return list.error();
    exchange.header_bytes_max = options.header_bytes_max;
    exchange.body_bytes_max = options.response_bytes_max;
    exchange.handle = handle;
    curl_easy_reset(handle);  // options only: connections stay open
    error_text[0] = '\0';
    curl::set_limits(handle, {options.connect_timeout_ms, options.timeout_ms, options.ca_file},
                     error_text);
    set_request(method, url, body);
    set_sinks(exchange);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, list->get());
    if (exchange.sink != nullptr) {
      curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(exchange.total_ms));
    }
    const auto code = perform(exchange, idle_ms);
    if (interrupted) return curl::unreachable(ErrorCode::kUnavailable, "interrupted");
    if (exchange.skipped) {
      return Error{ErrorCode::kUnavailable, "interrupted", {}, kInterrupted, {}, 0};
    }
    if (exchange.too_large) {
      return curl::unreachable(
          ErrorCode::kTooLarge,
          "the reply is larger than " + std::to_string(options.response_bytes_max) + " bytes");
    }
    if (code != CURLE_OK && !exchange.sink_left) return curl::error_of(handle, code, error_text);
    exchange.reply.status = curl::status_of(handle);
    return std::move(exchange.reply);
  }
};

CurlClient::CurlClient(ClientOptions options) : impl_(std::make_unique<Impl>()) {
  curl::initialise();
  impl_->options = std::move(options);
  impl_->handle = curl_easy_init();
  impl_->multi = curl_multi_init();
  if (impl_->handle == nullptr || impl_->multi == nullptr) {
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
                                 const StreamSink& sink, int idle_ms, int total_ms) {
  Exchange exchange;
  exchange.total_ms = total_ms;
  exchange.sink = &sink;
  return impl_->exchange_with("GET", url, headers, "", exchange, idle_ms);
}

void CurlClient::interrupt() noexcept {
  impl_->interrupted = true;
  curl_multi_wakeup(impl_->multi);
}

void CurlClient::interrupt_once() noexcept {
  impl_->skip_one = true;
  curl_multi_wakeup(impl_->multi);
}

bool CurlClient::was_sent() const { return impl_->sent; }

}  // namespace mx2::http
