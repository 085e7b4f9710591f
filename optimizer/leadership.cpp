#include "optimizer/leadership.h"

#include <algorithm>

#include "api/base/log.h"

namespace mx2::optimizer {
namespace {

constexpr std::int64_t kAskAgainMs = 1000;
constexpr std::int64_t kSoonestMs = 10;

}  // namespace

Leadership::Leadership(OrchestratorClient client, std::string holder, int lease_ms,
                       const SteadyClock& clock)
    : client_(std::move(client)), holder_(std::move(holder)), lease_ms_(lease_ms), clock_(clock) {}

std::int64_t Leadership::step() {
  const auto begun_ms = clock_.now_ms();
  const auto asked_at = pauses();
  const auto lease = client_.lease(holder_, url_, lease_ms_);
  if (!lease) return refused(lease.error());
  learn_paused(*lease, asked_at);
  if (!lease->granted) return stands_by(*lease);
  granted(begun_ms + lease_ms_);
  return lease_ms_ / 3;
}

void Leadership::learn_paused(const OrchestratorClient::Lease& lease, std::uint64_t asked_at) {
  const std::lock_guard lock(mutex_);
  if (pauses_ != asked_at || paused_ == lease.paused) return;
  paused_ = lease.paused;
  log::info(paused_ ? "paused by an operator" : "resumed by an operator");
}

std::uint64_t Leadership::pauses() const {
  const std::lock_guard lock(mutex_);
  return pauses_;
}

void Leadership::set_paused(bool paused) {
  const std::lock_guard lock(mutex_);
  paused_ = paused;
  ++pauses_;
}

bool Leadership::paused() const {
  const std::lock_guard lock(mutex_);
  return paused_;
}

std::int64_t Leadership::refused(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (state_.leads && clock_.now_ms() >= until_ms_) {
    state_ = {};
    log::warn("the lease has ended and cannot be renewed; no plan is sent",
              {{"reason", error.detail}});
  }
  return std::min<std::int64_t>(kAskAgainMs, lease_ms_ / 3);
}

void Leadership::granted(std::int64_t until_ms) {
  const std::lock_guard lock(mutex_);
  if (!state_.leads) log::info("leading", {{"holder", holder_}});
  state_ = {true, holder_, url_};
  until_ms_ = until_ms;
}

std::int64_t Leadership::stands_by(const OrchestratorClient::Lease& lease) {
  const std::lock_guard lock(mutex_);
  if (state_.leads || state_.holder != lease.holder) {
    log::info("standing by: another optimizer leads",
              {{"leader", lease.holder}, {"url", lease.url}});
  }
  state_ = {false, lease.holder, lease.url};
  return std::clamp<std::int64_t>(lease.remaining_ms, kSoonestMs, lease_ms_ / 3);
}

void Leadership::release() {
  if (!state().leads) return;
  const auto released = client_.release(holder_);
  if (!released) log::debug("the lease was not released", {{"reason", released.error().detail}});
  const std::lock_guard lock(mutex_);
  state_ = {};
}

Leadership::State Leadership::state() const {
  const std::lock_guard lock(mutex_);
  if (state_.leads && clock_.now_ms() >= until_ms_) return {};
  return state_;
}

}  // namespace mx2::optimizer
