#include "mx2-client/include/mx2/client.h"

#include <algorithm>
#include <stdexcept>

#include "mx2-client/src/convert.h"
#include "mx2-client/src/session.h"

namespace mx2::client {
namespace {

using device::error_of;

// Exceptions of what lies below are bugs or a machine without resources; they stop here.
template <typename T, typename F>
Result<T> guarded(const F& function) {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    return Error{ErrorCode::kProtocol, e.what(), 0};
  }
}

bool fits(const AppInfo& app, const ContextRequest& request) {
  const auto same = [](const std::string& wanted, const std::string& offered) {
    return wanted.empty() || wanted == offered;
  };
  return same(request.app_name, app.app_name) && same(request.app_provider, app.app_provider) &&
         same(request.app_d_id, app.app_d_id) && same(request.app_d_version, app.app_d_version) &&
         same(request.app_soft_version, app.app_soft_version);
}

// Provider and versions that were left out, from the list of applications.
mx2::Result<void> complete(device::Shared& shared, ContextRequest& request) {
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
    return mx2::Error{mx2::ErrorCode::kNotFound,
                      "no application '" + name + "' is on offer",
                      {},
                      device::kRefusal,
                      "404",
                      0};
  }
  request.app_name = app->app_name;
  request.app_provider = app->app_provider;
  request.app_d_version = app->app_d_version;
  return {};
}

}  // namespace

struct Client::Impl {
  explicit Impl(ClientOptions options) : options_(std::move(options)) {}

  // Not in the constructor: a wrong option is for the first call to tell.
  mx2::Result<std::shared_ptr<device::Shared>> shared() {
    if (auto fine = device::check(options_); !fine) return fine.error();
    const std::lock_guard lock(mutex_);
    if (!shared_) shared_ = std::make_shared<device::Shared>(options_);
    return shared_;
  }

 private:
  const ClientOptions options_;
  std::mutex mutex_;
  std::shared_ptr<device::Shared> shared_;
};

struct Context::Impl {
  std::shared_ptr<device::Session> session;
  ~Impl() {
    try {
      static_cast<void>(session->close());
    } catch (...) {  // NOLINT(bugprone-empty-catch): a destructor has nobody to tell
    }
  }
};

Client::Client(ClientOptions options) : impl_(std::make_shared<Impl>(std::move(options))) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<std::vector<App>> Client::apps(const AppFilter& filter) {
  return guarded<std::vector<App>>([&]() -> Result<std::vector<App>> {
    const auto shared = impl_->shared();
    if (!shared) return error_of(shared.error());
    auto http = (*shared)->orchestrator.lease();
    const auto found = (*shared)->api.list(*http, filter.names, filter.providers);
    if (!found) return error_of(found.error());
    std::vector<App> out;
    std::transform(found->begin(), found->end(), std::back_inserter(out), device::app_of);
    return out;
  });
}

Result<Context> Client::open(const ContextRequest& request) {
  return guarded<Context>([&]() -> Result<Context> {
    if (auto fine = device::check(request); !fine) return error_of(fine.error());
    const auto shared = impl_->shared();
    if (!shared) return error_of(shared.error());
    auto whole = request;
    if (auto done = complete(**shared, whole); !done) return error_of(done.error());
    auto session = std::make_shared<device::Session>(
        *shared, device::context_of(whole),
        device::SessionOptions{whole.channel, whole.strategy, whole.persistence});
    if (auto started = session->start(); !started) return error_of(started.error());
    return Context(std::shared_ptr<Context::Impl>(new Context::Impl{std::move(session)}));
  });
}

Context::Context(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Context::~Context() = default;
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;

std::string Context::id() const { return impl_->session->state().context_id(); }
std::string Context::endpoint() const { return impl_->session->state().endpoint(); }
std::vector<std::string> Context::endpoints() const { return impl_->session->state().endpoints(); }
Statistics Context::statistics() const { return impl_->session->statistics(); }

void Context::on_move(std::function<void(const Move&)> callback) {
  impl_->session->state().on_move(std::move(callback));
}

bool Context::wait_for_move(std::chrono::milliseconds timeout) {
  return wait_for_move(timeout, endpoint());
}

bool Context::wait_for_move(std::chrono::milliseconds timeout, const std::string& known) {
  return impl_->session->state().wait_other(known, std::chrono::steady_clock::now() + timeout);
}

Result<Reply> Context::invoke(std::string_view payload, const std::string& content_type) {
  return guarded<Reply>([&] { return impl_->session->invoke(payload, content_type); });
}

Result<bool> Context::close() {
  return guarded<bool>([&]() -> Result<bool> {
    const auto closed = impl_->session->close();
    if (!closed) return error_of(closed.error());
    return true;
  });
}

const char* name_of(Channel channel) {
  switch (channel) {
    case Channel::kAuto: return "auto";
    case Channel::kEvents: return "events";
    case Channel::kCallback: return "callback";
    case Channel::kPolling: return "polling";
  }
  return "";
}

}  // namespace mx2::client
