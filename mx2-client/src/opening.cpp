#include "mx2-client/src/opening.h"

#include <algorithm>
#include <utility>

#include "mx2-client/src/convert.h"

namespace mx2::device {
namespace {

using client::ContextRequest;

bool fits(const AppInfo& app, const ContextRequest& request) {
  const auto same = [](const std::string& wanted, const std::string& offered) {
    return wanted.empty() || wanted == offered;
  };
  return same(request.app_name, app.app_name) && same(request.app_provider, app.app_provider) &&
         same(request.app_d_id, app.app_d_id) && same(request.app_d_version, app.app_d_version) &&
         same(request.app_soft_version, app.app_soft_version);
}

// Provider and versions that were left out, from the list of applications.
Result<void> complete(Shared& shared, ContextRequest& request) {
  if (request.device_app_id.empty()) request.device_app_id = shared.hub.unused_id();
  if (!request.app_name.empty() && !request.app_provider.empty() &&
      !request.app_d_version.empty()) {
    return {};
  }
  const auto apps = [&] {
    auto http = shared.orchestrator.lease();
    std::vector<std::string> names;
    if (!request.app_name.empty()) names.push_back(request.app_name);
    return shared.api.list(*http, names, {});
  }();
  if (!apps) return apps.error();
  const auto app = std::find_if(apps->begin(), apps->end(),
                                [&](const AppInfo& each) { return fits(each, request); });
  if (app == apps->end()) {
    const auto& name = request.app_name.empty() ? request.app_d_id : request.app_name;
    return Error{
        ErrorCode::kNotFound, "no application '" + name + "' is on offer", {}, kRefusal, "404", 0};
  }
  request.app_name = app->app_name;
  request.app_provider = app->app_provider;
  request.app_d_version = app->app_d_version;
  return {};
}

}  // namespace

Result<std::shared_ptr<Session>> open(const std::shared_ptr<Shared>& shared, ContextRequest request,
                                      const std::function<bool()>& stopped) {
  if (auto fine = check(shared->options); !fine) return fine.error();
  if (auto fine = check(request); !fine) return fine.error();
  if (auto done = complete(*shared, request); !done) return done.error();
  if (stopped()) return unavailable("it is not wanted any more");
  auto session = std::make_shared<Session>(
      shared, context_of(request),
      SessionOptions{request.channel, request.strategy, request.persistence});
  if (auto started = session->start(); !started) return started.error();
  return session;
}

}  // namespace mx2::device
