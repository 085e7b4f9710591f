#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>

#include "api/http/curl_support.h"
#include "api/http/exchanges.h"
#include "api/http/http_client.h"

namespace mx2::http {
namespace {

constexpr int kPollMs = 1000;

}  // namespace

struct CurlClient::Impl {
  explicit Impl(const ClientOptions& options) : exchanges(options) {}

  curl::Exchanges exchanges;  // its multi handle's poll is what interrupt() wakes
  std::atomic<bool> interrupted{false};
  std::atomic<bool> skip_one{false};

  std::optional<Error> reason_to_end(int idle_ms);
  Result<Reply> exchange(OutgoingRequest request, const std::string* lent_body, int idle_ms);
};

// idle_ms 0: silence is no reason.
std::optional<Error> CurlClient::Impl::reason_to_end(int idle_ms) {
  const bool skipped = skip_one.exchange(false);
  if (interrupted) return curl::unreachable(ErrorCode::kUnavailable, "interrupted");
  if (skipped) return refused_as(ErrorCode::kUnavailable, "interrupted", kInterrupted);
  if (idle_ms > 0 &&
      curl::Steady::now() - exchanges.heard() >= std::chrono::milliseconds(idle_ms)) {
    return curl::unreachable(ErrorCode::kDeadlineExceeded, "no answer in time");
  }
  return std::nullopt;
}

Result<Reply> CurlClient::Impl::exchange(OutgoingRequest request, const std::string* lent_body,
                                         int idle_ms) {
  std::optional<Result<Reply>> result;
  auto error = reason_to_end(0);
  if (!error) {
    auto transfer = exchanges.prepare(
        std::move(request), [&result](Result<Reply> reply) { result.emplace(std::move(reply)); },
        lent_body);
    if (transfer) exchanges.start(std::move(transfer));
  }
  const int wait_ms = idle_ms > 0 ? std::min(idle_ms, kPollMs) : kPollMs;
  while (!error) {
    int running = 0;
    const auto worked = curl_multi_perform(exchanges.multi(), &running);
    exchanges.answer();
    if (result) return std::move(*result);
    error = reason_to_end(idle_ms);
    if (worked != CURLM_OK) error = curl::unreachable(ErrorCode::kUnavailable, "libcurl failed");
    if (!error) curl_multi_poll(exchanges.multi(), nullptr, 0, wait_ms, nullptr);
  }
  exchanges.abandon();
  return *error;
}

CurlClient::CurlClient(const ClientOptions& options) : impl_(std::make_unique<Impl>(options)) {}

CurlClient::~CurlClient() = default;

Result<Reply> CurlClient::send(const std::string& method, const std::string& url,
                               const Headers& headers, const std::string& body) {
  return impl_->exchange({method, url, headers, {}}, &body, 0);
}

Result<Reply> CurlClient::stream(const std::string& url, const Headers& headers,
                                 const StreamSink& sink, int idle_ms, int total_ms) {
  return impl_->exchange({"GET", url, headers, {}, sink, total_ms}, nullptr, idle_ms);
}

void CurlClient::interrupt() noexcept {
  impl_->interrupted = true;
  curl_multi_wakeup(impl_->exchanges.multi());
}

void CurlClient::interrupt_once() noexcept {
  impl_->skip_one = true;
  curl_multi_wakeup(impl_->exchanges.multi());
}

bool CurlClient::was_sent() const { return impl_->exchanges.last_was_sent(); }

}  // namespace mx2::http
