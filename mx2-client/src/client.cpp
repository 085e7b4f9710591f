#include "mx2-client/include/mx2/client.h"

#include <algorithm>
#include <iterator>
#include <mutex>

#include "mx2-client/src/convert.h"
#include "mx2-client/src/opening.h"

namespace mx2::client {
namespace {

using device::error_of;
using device::guarded;

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
    const auto shared = impl_->shared();
    if (!shared) return error_of(shared.error());
    auto session = device::open(*shared, request, [] { return false; });
    if (!session) return error_of(session.error());
    return Context(std::shared_ptr<Context::Impl>(new Context::Impl{std::move(*session)}));
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

// What another thread, or a callable that dies meanwhile, does to the Context does not end the
// session under these.
void Context::on_move(std::function<void(const Move&)> callback) {
  const auto session = impl_->session;
  session->state().on_move(std::move(callback));
}

bool Context::wait_for_move(std::chrono::milliseconds timeout) {
  return wait_for_move(timeout, endpoint());
}

bool Context::wait_for_move(std::chrono::milliseconds timeout, const std::string& known) {
  const auto session = impl_->session;
  return session->state().wait_other(known, device::deadline_after(timeout));
}

Result<Reply> Context::invoke(std::string_view payload, const std::string& content_type) {
  const auto session = impl_->session;
  return guarded<Reply>([&]() -> Result<Reply> {
    auto called = session->invoke(payload, content_type);
    if (!called) return called.error();
    return std::move(called->reply);
  });
}

Result<bool> Context::close() {
  const auto session = impl_->session;
  return guarded<bool>([&]() -> Result<bool> {
    const auto closed = session->close();
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
