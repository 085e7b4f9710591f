#include "dispatcher/names.h"

#include <netdb.h>

#include <algorithm>
#include <set>
#include <system_error>
#include <thread>

#include "dispatcher/destinations.h"

namespace mx2::dispatcher {
namespace {

// In the order in which they are looked up.
enum Turn : std::uint8_t { kNew, kKnown, kUnknown, kTurns };

}  // namespace

std::vector<std::string> resolve_name(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0 || found == nullptr) return {};
  std::vector<std::string> addresses;
  for (const auto* each = found; each != nullptr; each = each->ai_next) {
    std::array<char, NI_MAXHOST> out{};
    const int failed = ::getnameinfo(each->ai_addr, each->ai_addrlen, out.data(), out.size(),
                                     nullptr, 0, NI_NUMERICHOST);
    if (failed == 0) addresses.emplace_back(out.data());
  }
  ::freeaddrinfo(found);
  return addresses;
}

struct Names::Shared {
  Shared(Resolve given, const Clock& now, std::function<void()> told)
      : resolve(std::move(given)), clock(now), changed(std::move(told)) {}

  struct Name {
    std::string address;
    Turn turn = kNew;
    bool queued = false;  // or being looked up
    std::int64_t due_ms = 0;
  };

  const Resolve resolve;
  const Clock& clock;  // not any more once stopped
  const std::function<void()> changed;
  std::mutex mutex;
  bool stopped = false;
  std::size_t at_work = 0;
  std::uint64_t version = 0;
  std::map<std::string, Name> names;
  std::array<std::deque<std::string>, kTurns> queues;

  // The rest is called under the lock.
  [[nodiscard]] std::size_t waiting() const {
    std::size_t all = 0;
    for (const auto& queue : queues) all += queue.size();
    return all;
  }

  void enqueue_due() {
    const auto now_ms = clock.now_ms();
    for (auto& [name, state] : names) {
      if (state.queued || state.due_ms > now_ms) continue;
      state.queued = true;
      queues[state.turn].push_back(name);
    }
  }

  // Empty: there is none.
  std::string next() {
    for (auto& queue : queues) {
      while (!queue.empty()) {
        auto name = std::move(queue.front());
        queue.pop_front();
        if (names.contains(name)) return name;
      }
    }
    return {};
  }

  void take(const std::string& name, std::vector<std::string> found) {
    const auto it = names.find(name);
    if (it == names.end()) return;
    auto& state = it->second;
    std::erase_if(found, [](const auto& address) { return !is_callable(address); });
    state.queued = false;
    state.due_ms = clock.now_ms() + kAgainMs;
    const bool first = state.turn == kNew;
    state.turn = found.empty() ? kUnknown : kKnown;
    const bool kept =
        found.empty() || std::find(found.begin(), found.end(), state.address) != found.end();
    if (!kept) state.address = found.front();
    if (kept && !first) return;
    ++version;
    changed();
  }

  // Until nothing is due, or it is stopped.
  void work() {
    std::unique_lock lock(mutex);
    for (auto name = next(); !stopped && !name.empty(); name = next()) {
      lock.unlock();
      auto found = resolve(name);
      lock.lock();
      if (stopped) break;
      take(name, std::move(found));
    }
    --at_work;
  }
};

Names::Names(Resolve resolve, const Clock& clock, std::function<void()> changed)
    : shared_(std::make_shared<Shared>(std::move(resolve), clock, std::move(changed))) {}

void Names::want(const std::vector<std::string>& names) {
  const std::set<std::string> wanted(names.begin(), names.end());
  const std::lock_guard lock(shared_->mutex);
  std::erase_if(shared_->names, [&](const auto& known) { return !wanted.contains(known.first); });
  for (const auto& name : wanted) shared_->names.try_emplace(name);
}

// Nobody is waited for at the end: a resolver may take long.
void Names::look() {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->stopped) return;
  shared_->enqueue_due();
  const auto enough = std::min(kAtOnce, shared_->at_work + shared_->waiting());
  while (shared_->at_work < enough) {
    try {
      std::thread([shared = shared_] { shared->work(); }).detach();
    } catch (const std::system_error&) {
      return;  // without a thread they wait for the next time
    }
    ++shared_->at_work;
  }
}

void Names::stop() {
  const std::lock_guard lock(shared_->mutex);
  shared_->stopped = true;
}

Names::Addresses Names::known() const {
  const std::lock_guard lock(shared_->mutex);
  Addresses out;
  for (const auto& [name, state] : shared_->names) {
    if (state.turn != kNew) out.emplace(name, state.address);
  }
  return out;
}

std::uint64_t Names::version() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->version;
}

bool Names::is_idle() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->at_work == 0;
}

}  // namespace mx2::dispatcher
