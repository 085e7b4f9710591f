// The callback server of a client: one listener, one unguessable path for each context. It starts
// with the first path. Clause 7.4 of MEC 016: a notification is a POST that wants a 204.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "api/base/clock.h"
#include "api/base/ids.h"
#include "api/base/result.h"
#include "api/http/pistache_server.h"
#include "mx2-client/src/notification.h"

namespace mx2::device {

class CallbackHub final : public http::Handler {
 public:
  // Called on the server's thread, so it only takes note. False: not for this context.
  using Inbox = std::function<bool(Told)>;

  // `address`: empty: that of the route to `orchestrator_url`.
  CallbackHub(std::string orchestrator_url, std::string address, std::uint16_t port);
  ~CallbackHub() override;

  // A callbackReference that leads to `inbox` until remove(); an Error when there is no listener.
  [[nodiscard]] Result<std::string> add(Inbox inbox);
  void remove(const std::string& callback_reference);
  // An identifier that nobody else has.
  [[nodiscard]] std::string unused_id() { return ids_.next(); }

  void handle(http::Request request, http::Responder responder) override;

 private:
  [[nodiscard]] Result<void> start();
  [[nodiscard]] http::Reply receive(const http::Request& request);

  const std::string orchestrator_url_;
  const std::string address_;
  const std::uint16_t port_;
  SystemClock clock_;
  RandomIds ids_{clock_};
  std::mutex mutex_;
  std::string base_;  // "http://address:port/"; empty: not started
  std::map<std::string, std::shared_ptr<Inbox>> inboxes_;  // by path
  std::unique_ptr<http::PistacheServer> server_;
};

}  // namespace mx2::device
