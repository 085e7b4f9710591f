// Packages that device applications ask for.
#include "api/base/log.h"
#include "orchestrator/packages/packages.h"

namespace mx2 {
namespace {

constexpr std::size_t kWaitingMax = 10000;
constexpr std::size_t kRefusedMax = 1000;
constexpr auto kRefusedFor = std::chrono::seconds(10);

// What a device application is told: that operators' networks are as they are is none of its
// business.
Error for_device(const Error& error) {
  auto out = error;
  out.code = ErrorCode::kForbidden;
  out.pointer.clear();
  out.internal_text.clear();
  if (out.cause.empty()) out.cause = "package-refused";
  out.detail = "the package of appPackageSource cannot be on-boarded: " + out.cause;
  return out;
}

}  // namespace

void Packages::onboard(const std::string& uri, Callback<Result<std::string>> answer) {
  if (!allows(uri)) {
    return answer(forbidden("source-not-allowed",
                            "this deployment takes no packages from that appPackageSource"));
  }
  const auto waiter = std::make_shared<Callback<Result<std::string>>>(std::move(answer));
  std::optional<Error> refused;
  bool first = false;
  {
    const std::lock_guard guard(mutex_);
    const auto now = std::chrono::steady_clock::now();
    const auto known = refused_.find(uri);
    if (stopped_ || waiting_ >= kWaitingMax) {
      refused = unavailable(stopped_ ? "shutting down" : "too many wait for packages");
    } else if (known != refused_.end() && known->second.until > now) {
      refused = known->second.error;
    } else {
      auto& list = waiters_[uri];
      first = list.empty();
      list.push_back(waiter);
      ++waiting_;
    }
  }
  if (refused) return (*waiter)(*refused);
  if (!first) return;
  CreateAppPkg request;
  request.name = request.path = uri;
  create_package(core_, std::move(request), true, options_.count_max,
                 [this, uri](const Result<PackageCreated>& made) {
                   if (!made) return answer_waiters(uri, made.error());
                   const auto& package = made->package;
                   if (made->begins) return enqueue({package.id, nullptr, {}, 0});
                   if (package.failure) {
                     return answer_waiters(
                         uri, forbidden(package.failure->cause, package.failure->detail));
                   }
                   if (package.state == OnboardingState::kOnboarded) {
                     answer_waiters(uri, package.app_d_id);
                   }  // else its worker answers
                 });
}

void Packages::answer_waiters(const std::string& uri, const Result<std::string>& result) {
  std::vector<Waiter> list;
  auto told = result;
  if (!result) {
    const bool of_store = result.error().code == ErrorCode::kUnavailable;
    told = of_store && result.error().cause.empty() ? result.error() : for_device(result.error());
  }
  {
    const std::lock_guard guard(mutex_);
    const auto it = waiters_.find(uri);
    if (it == waiters_.end()) return;
    list = std::move(it->second);
    waiters_.erase(it);
    waiting_ -= list.size();
    const auto now = std::chrono::steady_clock::now();
    if (refused_.size() >= kRefusedMax) {
      std::erase_if(refused_, [&](const auto& entry) { return entry.second.until <= now; });
    }
    if (!told && refused_.size() < kRefusedMax) {
      refused_[uri] = {told.error(), now + kRefusedFor};
    }
  }
  for (const auto& waiter : list) (*waiter)(told);
}

}  // namespace mx2
