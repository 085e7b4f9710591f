// The orchestrator as a MEC application of somebody else's MEC platform (ETSI GS MEC 011 V2.1.1, on
// Mp1): it says that it is ready, offers Mx2 as a service of category DAI, and asks to be told
// before the platform ends it. One exchange at a time:
//
//   confirm_ready → services of our name left over from an earlier life are taken back → ours is
//   registered → the same with subscriptions → a look every look_ms
//
// Whatever fails begins anew after a pause that doubles; so does a platform that has lost our
// service or subscription (404). A platform that is merely away is asked again.
//
// Threads: one; replies come from within the client's poll().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/base/clock.h"
#include "api/http/async_client.h"
#include "api/mec/app_support.h"

namespace mx2 {

struct MecPlatformOptions {
  std::string app_instance_id;   // what the platform calls us; empty: no registration
  std::string app_support_url;   // "/mec_app_support/v1" is below it
  std::string service_mgmt_url;  // "/mec_service_mgmt/v1" is below it
  std::string service_uri;       // where device applications reach Mx2, e.g. http://mec/dev_app/v1
  std::string callback_url;      // root of our Mx2 listener, for the platform; empty: not told
  int look_ms = 10000;
  int retry_ms = 500;  // after the first failure; doubles up to
  int retry_ms_max = 10000;

  [[nodiscard]] bool is_on() const { return !app_instance_id.empty(); }
};

struct MecPlatformStatus {
  std::string state;            // registered | unregistered | terminating
  std::string ser_instance_id;  // of our service, while it is registered
  std::string last_error;       // why it is not
};

class Registration {
 public:
  // `callback`: the whole callbackReference, or empty.
  Registration(const MecPlatformOptions& options, std::string callback, http::AsyncClient& http,
               const SteadyClock& clock);

  void step();
  [[nodiscard]] std::int64_t next_due_ms() const;

  // The platform ends us: that is confirmed within the time that the notification allows, and the
  // service taken back. The platform forgets the rest by itself.
  void terminate(const AppTerminationNotification& notification);
  // We end by ourselves: service and subscription are taken back, with one attempt each.
  void leave();
  // Of the two above.
  [[nodiscard]] bool has_ended() const { return stage_ == Stage::kEnded && !asking_; }

  [[nodiscard]] MecPlatformStatus status() const;
  [[nodiscard]] bool is_subscribed() const { return !subscription_id_.empty(); }

 private:
  enum class Stage : std::uint8_t {
    kReady,
    kFindServices,
    kDropServices,
    kAddService,
    kFindSubscriptions,
    kDropSubscriptions,
    kSubscribe,
    kLookService,
    kLookSubscription,
    kConfirmEnd,
    kEndService,
    kEndSubscription,
    kEnded,
  };

  void begin();
  void begin_end();
  void ask(const std::string& method, const std::string& url, std::string body = {});
  void skip_to(Stage stage);
  void take(const Result<http::Reply>& reply);
  void take_registering(const http::Reply& reply);
  void take_looking(const Result<http::Reply>& reply);
  void take_end(const Result<http::Reply>& reply);
  void take_confirmation(const Result<http::Reply>& reply);
  void found_services(const http::Reply& reply);
  void found_subscriptions(const http::Reply& reply);
  void added(const http::Reply& reply, std::string& id, Stage next);
  void registered();
  void start_over();
  void failed(const std::string& why);
  [[nodiscard]] bool is_ending() const { return leaving_ || confirm_.has_value(); }

  const MecPlatformOptions options_;
  const std::string callback_;
  const std::string support_;     // URL of our application there
  const std::string management_;  // and there
  http::AsyncClient& http_;
  const SteadyClock& clock_;

  Stage stage_ = Stage::kReady;
  bool asking_ = false;
  bool registered_ = false;
  std::int64_t due_ms_ = 0;
  int retry_ms_;
  std::vector<std::string> left_over_;  // identifiers still to be deleted
  std::string service_id_;
  std::string subscription_id_;
  bool leaving_ = false;
  std::optional<OperationAction> confirm_;
  std::int64_t confirm_until_ms_ = 0;
  std::string last_error_;
};

}  // namespace mx2
