// The table (UE, λ) -> targets in memory, built for one question: which rows are for this UE and
// this app, the most specific first? Cost: one hash look-up for dev:, one for each prefix length
// that the app's ip: rows use, one for *; independent of the number of rows.
//
// Threads: none of its own; LiveModel guards it. Memory: about 100 bytes a row, targets shared.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/base/ip.h"
#include "api/operator/types.h"

namespace mx2 {

// Lists of targets, each kept once however many rows use it.
class TargetPool {
 public:
  using Id = std::uint32_t;
  [[nodiscard]] Id acquire(const std::vector<Target>& targets);
  void release(Id id);
  [[nodiscard]] const std::vector<Target>& get(Id id) const { return entries_[id].targets; }
  // Rows that name this host.
  [[nodiscard]] std::size_t uses_of_host(std::string_view host_id) const;

 private:
  struct Entry {
    std::vector<Target> targets;
    std::string key;
    std::size_t uses = 0;
  };
  std::vector<Entry> entries_;
  std::vector<Id> free_;
  std::unordered_map<std::string, Id> by_key_;
};

class Table {
 public:
  // A row as the look-up finds it. Valid until the next change.
  struct Match {
    UeSelector::Kind kind = UeSelector::Kind::kAny;
    int prefix_length = 0;  // kIp
    const std::vector<Target>* targets = nullptr;
  };

  void put(const UeSelector& ue, const std::string& app_d_id, const std::vector<Target>& targets);
  // False when there was no such row.
  bool remove(const UeSelector& ue, const std::string& app_d_id);

  // At most one dev:, then ip: from the longest prefix, then *.
  void find(const std::string& app_d_id, const std::string& dev_app_id,
            const std::optional<IpAddress>& ip, std::vector<Match>& matches) const;

  [[nodiscard]] std::size_t rows() const { return rows_; }
  // Of an app: how many dev: rows lead to each host first.
  [[nodiscard]] std::map<std::string, std::size_t> devices_by_host(
      const std::string& app_d_id) const;
  [[nodiscard]] std::size_t rows_of_app(const std::string& app_d_id) const;
  [[nodiscard]] std::size_t rows_of_host(std::string_view host_id) const {
    return pool_.uses_of_host(host_id);
  }

 private:
  struct IpKey {
    IpAddress address;
    int length = 0;
    bool operator==(const IpKey&) const = default;
  };
  struct IpHash {
    std::size_t operator()(const IpKey& key) const;
  };
  struct AppRows {
    std::unordered_map<std::string, TargetPool::Id> by_dev_app;
    std::unordered_map<TargetPool::Id, std::size_t> devices;  // how often in by_dev_app
    std::unordered_map<IpKey, TargetPool::Id, IpHash> by_prefix;
    std::map<int, std::size_t, std::greater<>> lengths;  // prefix length -> rows, longest first
    std::optional<TargetPool::Id> any;
  };

  void put_ip(AppRows& rows, const IpPrefix& prefix, TargetPool::Id id);
  void put_device(AppRows& rows, const std::string& dev_app_id, TargetPool::Id id);
  static void forget_device(AppRows& rows, TargetPool::Id id);
  [[nodiscard]] static std::optional<TargetPool::Id> take(AppRows& rows, const UeSelector& ue);
  void replace(TargetPool::Id& slot, TargetPool::Id id, bool fresh);

  std::unordered_map<std::string, AppRows> apps_;
  TargetPool pool_;
  std::size_t rows_ = 0;
};

}  // namespace mx2
