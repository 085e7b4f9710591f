#include "mx2-client/src/domain_ranking.h"

#include <algorithm>

namespace mx2::device {
namespace {

constexpr int kSmoothing = 4;  // a measurement is a quarter of the next value

}  // namespace

void DomainRanking::measured(std::size_t domain, std::optional<Latency> latency, Time now) {
  auto& it = domains_[domain];
  if (!latency) {
    it.confirmed = false;
    it.latency = Latency{0};
    return choose();
  }
  const auto value = std::max(*latency, Latency{1});
  it.latency = it.latency.count() == 0 ? value : it.latency + (value - it.latency) / kSmoothing;
  if (now >= it.left_alone_until) it.confirmed = true;
  choose();
}

void DomainRanking::called(std::size_t domain, bool good, Time began, Time now) {
  auto& it = domains_[domain];
  if (good) {
    it.penalty = std::chrono::milliseconds{0};
    it.left_alone_until = Time{};
    return;
  }
  if (began < it.left_alone_until) return;
  it.confirmed = false;
  it.penalty = it.penalty.count() == 0 ? kPenaltyFirst : std::min(2 * it.penalty, kPenaltyMax);
  it.left_alone_until = now + it.penalty;
  choose();
}

bool DomainRanking::is_faster(std::size_t a, std::size_t b) const {
  return domains_[a].latency < domains_[b].latency;
}

std::vector<std::size_t> DomainRanking::order() const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < domains_.size(); ++i) {
    if (domains_[i].confirmed) found.push_back(i);
  }
  std::stable_sort(found.begin(), found.end(), [this](std::size_t a, std::size_t b) {
    if (current_ && (a == *current_ || b == *current_)) return a == *current_ && b != *current_;
    return is_faster(a, b);
  });
  return found;
}

void DomainRanking::choose() {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < domains_.size(); ++i) {
    if (domains_[i].confirmed && (!best || is_faster(i, *best))) best = i;
  }
  if (best && current_ && domains_[*current_].confirmed) {
    const auto limit = static_cast<double>(domains_[*current_].latency.count()) * (1 - gain_);
    if (static_cast<double>(domains_[*best].latency.count()) >= limit) return;
  }
  current_ = best;
}

}  // namespace mx2::device
