// Between the words of the public header and those of api/.
#pragma once

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

}  // namespace mx2::device
