#include "orchestrator/mec_platform/mec_platform.h"

#include <chrono>

#include "api/base/log.h"
#include "api/base/text.h"

namespace mx2 {
namespace {

constexpr int kPlatformRoundMs = 200;

// A reference to the subscription, if there is one, leads through our app instance.
bool speaks_of(const std::string& href, const std::string& app_instance_id) {
  return href.empty() ||
         href.find("/" + percent_encode(app_instance_id) + "/") != std::string::npos;
}

}  // namespace

MecPlatform::MecPlatform(const MecPlatformOptions& options, IdGenerator& ids,
                         const SteadyClock& clock, std::unique_ptr<http::AsyncClient> http,
                         metrics::Registry& registry, std::function<void()> stop)
    : options_(options),
      key_(ids.next()),
      http_(std::move(http)),
      registered_(registry.gauge("mx2_mec_platform_registered",
                                 "1 while the MEC platform knows our service, else 0")),
      registration_(options_, callback(), *http_, clock),
      stop_(std::move(stop)),
      status_(registration_.status()) {}

MecPlatform::~MecPlatform() { stop(); }

std::string MecPlatform::callback() const {
  return options_.callback_url.empty() ? "" : options_.callback_url + kPath + "/" + key_;
}

void MecPlatform::start() {
  if (options_.callback_url.empty()) {
    log::warn("mec_platform.callback_url is not set: the platform cannot tell us of our end");
  }
  worker_.start([this] { return turn(); }, [this] { http_->wake(); });
}

Worker::Time MecPlatform::turn() {
  step(kPlatformRoundMs);
  if (!registration_.has_ended()) return Worker::kAtOnce;
  stop_();
  return Worker::kWhenWoken;
}

void MecPlatform::stop() {
  if (!worker_.is_running()) return;
  worker_.stop();
  const auto until = Worker::in(std::chrono::milliseconds(kLeaveMs));
  registration_.leave();
  while (!registration_.has_ended() && std::chrono::steady_clock::now() < until) {
    step(kPlatformRoundMs);
  }
}

void MecPlatform::step(int wait_ms) {
  {
    const std::lock_guard guard(mutex_);
    if (notification_) registration_.terminate(*notification_);
  }
  registration_.step();
  if (!registration_.has_ended()) http_->poll(wait_ms);
  const auto status = registration_.status();
  registered_.set(status.state == "registered" ? 1 : 0);
  const std::lock_guard guard(mutex_);
  status_ = status;
  subscribed_ = registration_.is_subscribed();
}

Result<void> MecPlatform::notified(const std::string& key, std::string_view body) {
  {
    const std::lock_guard guard(mutex_);
    if (!subscribed_ || key != key_) return not_found("no such callback");
  }
  auto notification = codec::decode_termination_notification(body);
  if (!notification) return notification.error();
  if (!speaks_of(notification->subscription_href, options_.app_instance_id)) {
    return invalid_argument("is not of our app instance", "/_links/subscription/href");
  }
  log::info("the MEC platform ends us", {{"action", std::string(to_text(notification->action))},
                                         {"within_s", notification->max_graceful_timeout_s}});
  {
    const std::lock_guard guard(mutex_);
    if (!notification_) notification_ = std::move(*notification);
  }
  http_->wake();
  return {};
}

MecPlatformStatus MecPlatform::status() const {
  const std::lock_guard guard(mutex_);
  return status_;
}

}  // namespace mx2
