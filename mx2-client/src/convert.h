// Between the words of the public header and those of api/.
#pragma once

#include <chrono>
#include <exception>
#include <new>
#include <string>

#include "api/base/result.h"
#include "api/mx2/types.h"
#include "mx2-client/include/mx2/client.h"

namespace mx2::device {

[[nodiscard]] client::Error error_of(const mx2::Error& error);
[[nodiscard]] client::Error no_endpoint();
[[nodiscard]] client::Error closed();
[[nodiscard]] client::App app_of(const AppInfo& info);
[[nodiscard]] AppContext context_of(const client::ContextRequest& request);
// What is wrong with it before anything is sent; ok when nothing is.
[[nodiscard]] mx2::Result<void> check(const client::ContextRequest& request);
[[nodiscard]] mx2::Result<void> check(const client::ClientOptions& options);
[[nodiscard]] mx2::Result<void> check_content_type(const std::string& content_type);

// `wait` from now. "For ever" is ten years: no sum of times may overflow.
[[nodiscard]] std::chrono::steady_clock::time_point deadline_after(std::chrono::milliseconds wait);
// The same options, each time in them at least 0 and at most a day.
[[nodiscard]] client::ClientOptions bounded(client::ClientOptions options);

// Exceptions of what lies below are bugs or a machine without resources; they stop here.
template <typename T, typename F>
client::Result<T> guarded(const F& function) {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    return client::Error{client::ErrorCode::kProtocol, e.what(), 0};
  }
}

}  // namespace mx2::device
