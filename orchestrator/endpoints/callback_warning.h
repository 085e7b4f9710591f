// Tells at once of a callbackReference to which nothing will be sent: its device application in a
// header of the answer, operators in the log, each reason once. Threads: any.
#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "api/base/live.h"
#include "api/http/http.h"
#include "notifier/address_guard.h"

namespace mx2 {

class CallbackWarning {
 public:
  explicit CallbackWarning(notifier::AddressGuard guard) : guard_(std::move(guard)) {}

  // Another guard from now on; each reason is logged anew.
  void use(notifier::AddressGuard guard);

  // Header Warning (RFC 7234, 5.5), or nothing.
  [[nodiscard]] http::Headers headers_for(const std::optional<std::string>& callback);

 private:
  Live<notifier::AddressGuard> guard_;
  std::mutex mutex_;
  std::set<std::string> logged_;
};

}  // namespace mx2
