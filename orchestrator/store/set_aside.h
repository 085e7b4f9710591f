// What is stored and cannot be read: it stays where it is, is named in the log once, and is
// counted. Everything else goes on without it. It is forgotten here when something readable takes
// its place.
//
// Threads: any.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "api/base/metrics.h"

namespace mx2 {

class SetAside {
 public:
  struct Item {
    std::string kind;  // host, app, row, pastRow, context, package, subscription, rewrite
    std::string id;
    std::string reason;
  };

  explicit SetAside(metrics::Registry& registry);

  void add(const std::string& kind, const std::string& id, const std::string& reason);
  void forget(const std::string& kind, const std::string& id);

  // Ordered by kind and identifier.
  [[nodiscard]] std::vector<Item> list() const;
  [[nodiscard]] std::size_t size() const { return size_; }
  // False once there were more than are kept here: what is not listed may be one, too.
  [[nodiscard]] bool is_complete() const { return complete_; }

 private:
  metrics::Gauge& gauge_;
  std::atomic<std::size_t> size_{0};
  std::atomic<bool> complete_{true};
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::string> reasons_;  // bounded: kItemsMax
};

}  // namespace mx2
