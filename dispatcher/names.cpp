#include "dispatcher/names.h"

#include <algorithm>
#include <set>

#include "dispatcher/destinations.h"

namespace mx2::dispatcher {
namespace {

constexpr std::size_t kNamesMax = 100'000;
constexpr int kMoreMs = 5;

http::ResolverOptions resolver_options(const std::string& servers) {
  http::ResolverOptions options;
  options.at_once_max = options.known_max = kNamesMax;
  options.servers = servers;
  return options;
}

std::vector<std::string> callable(const Result<http::Resolver::Addresses>& found) {
  std::vector<std::string> texts;
  if (!found) return texts;
  for (const auto& address : *found) {
    if (is_callable(address.text())) texts.push_back(address.text());
  }
  return texts;
}

}  // namespace

Names::Names(const SteadyClock& clock, const std::string& servers)
    : clock_(clock), resolver_(resolver_options(servers), clock) {}

void Names::want(const std::vector<std::string>& names) {
  const std::set<std::string> wanted(names.begin(), names.end());
  const std::lock_guard lock(mutex_);
  std::erase_if(names_, [&](const auto& known) { return !wanted.contains(known.first); });
  for (const auto& name : wanted) names_.try_emplace(name);
}

void Names::step() {
  for (const auto& name : take_due()) {
    resolver_.look_up(name, [this, name](const auto& found) { take(name, found); });
  }
  resolver_.step();
}

std::vector<std::string> Names::take_due() {
  const auto now_ms = clock_.now_ms();
  std::vector<std::string> due;
  more_due_ = false;
  const std::lock_guard lock(mutex_);
  for (auto& [name, state] : names_) {
    if (state.asked || state.due_ms > now_ms) continue;
    more_due_ = due.size() == kMoreInStep;
    if (more_due_) break;
    state.asked = true;
    due.push_back(name);
  }
  return due;
}

void Names::take(const std::string& name, const Result<http::Resolver::Addresses>& found) {
  const auto addresses = callable(found);
  const std::lock_guard lock(mutex_);
  const auto it = names_.find(name);
  if (it == names_.end()) return;
  auto& state = it->second;
  state.asked = false;
  state.due_ms = clock_.now_ms() + kAgainMs;
  const bool first = !std::exchange(state.known, true);
  const bool kept = addresses.empty() ||
                    std::find(addresses.begin(), addresses.end(), state.address) != addresses.end();
  if (!kept) state.address = addresses.front();
  if (first || !kept) ++version_;
}

int Names::wait_ms(int most) const {
  return resolver_.wait_ms(more_due_ ? std::min(most, kMoreMs) : most);
}

Names::Addresses Names::known() const {
  const std::lock_guard lock(mutex_);
  Addresses out;
  for (const auto& [name, state] : names_) {
    if (state.known) out.emplace(name, state.address);
  }
  return out;
}

std::uint64_t Names::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

}  // namespace mx2::dispatcher
