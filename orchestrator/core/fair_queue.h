// Identifiers that wait, each once, in turns of their owners: whoever has many waits behind those
// of others who have few, not the others behind all of his. Pattern: start-time fair queueing
// (Goyal, Vin and Cheng 1996), all items of one size.
//
// Threads: one at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace mx2 {

class FairQueue {
 public:
  void add(const std::string& owner, std::string id) {
    if (!ids_.insert(id).second) return;
    auto& last = last_of_[owner];
    last = std::max(last + 1, round_);
    waiting_.emplace(std::pair(last, ++added_), std::move(id));
  }
  // The next ones; at most `count`.
  [[nodiscard]] std::vector<std::string> first(std::size_t count) const {
    std::vector<std::string> ids;
    for (auto it = waiting_.begin(); it != waiting_.end() && ids.size() < count; ++it) {
      ids.push_back(it->second);
    }
    return ids;
  }
  // As many of those: they wait no longer.
  void drop(std::size_t count) {
    for (; count > 0 && !waiting_.empty(); --count) {
      round_ = waiting_.begin()->first.first;
      ids_.erase(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
    }
    if (waiting_.empty()) return last_of_.clear();
    // Whoever has had all his turns begins anew with this one; looked for once in each.
    if (round_ == tidied_ || last_of_.size() <= 2 * waiting_.size() + kOwnersKept) return;
    tidied_ = round_;
    std::erase_if(last_of_, [this](const auto& owner) { return owner.second < round_; });
  }
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }

 private:
  static constexpr std::size_t kOwnersKept = 64;
  using Turn = std::pair<std::uint64_t, std::uint64_t>;  // round, then who came first

  std::map<Turn, std::string> waiting_;
  std::unordered_set<std::string> ids_;                     // of these
  std::unordered_map<std::string, std::uint64_t> last_of_;  // owner: the round of his last one
  std::uint64_t round_ = 0;
  std::uint64_t tidied_ = 0;
  std::uint64_t added_ = 0;
};

}  // namespace mx2
