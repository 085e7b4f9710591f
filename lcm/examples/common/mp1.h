// The application's side of Mp1, ETSI GS MEC 011 clause 5.2 (mec_app_support/v1): it confirms that
// it is ready, and that it is about to end when the platform asks it to.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "api/http/http_client.h"
#include "api/http/router.h"

namespace mx2::lambda {

class Mp1 {
 public:
  // Empty `uri`: there is no platform, and nothing is said.
  Mp1(std::string uri, std::string instance_id);

  // Where termination is notified: a path nobody else knows. Raises SIGTERM.
  void add_endpoints(http::Router& router);
  // Subscribes to its termination, then confirms that it is ready; tries for a few seconds.
  void say_ready(const std::string& address, std::uint16_t port);
  // confirm_termination, if termination was notified.
  void say_terminated();

 private:
  bool post(const std::string& resource, const std::string& body);

  std::string uri_;
  std::string instance_id_;
  std::string path_;  // of the callback
  std::atomic<const char*> operation_{nullptr};
};

}  // namespace mx2::lambda
