// Which of many things come from an address; kept up to date with them. Entries are pointers to
// keys that stay where they are, e.g. those of a std::map.
#pragma once

#include <functional>
#include <set>

#include "api/base/ip.h"

namespace mx2::optimizer {

template <typename Key>
class AddressIndex {
 public:
  void add(const IpAddress& ip, const Key& key) { entries_.insert({ip, &key}); }
  // Before the key is gone.
  void remove(const IpAddress& ip, const Key& key) { entries_.erase({ip, &key}); }
  void clear() { entries_.clear(); }

  // In the order of the keys.
  void each_at(const IpAddress& ip, const std::function<void(const Key&)>& use) const {
    for (auto it = entries_.lower_bound({ip, nullptr}); it != entries_.end() && it->ip == ip;
         ++it) {
      use(*it->key);
    }
  }

 private:
  struct Entry {
    IpAddress ip;
    const Key* key;  // null: before all
    bool operator<(const Entry& other) const {
      if (!(ip == other.ip)) return ip.bytes() < other.ip.bytes();
      if (key == nullptr || other.key == nullptr) return key == nullptr && other.key != nullptr;
      return *key < *other.key;
    }
  };
  std::set<Entry> entries_;
};

}  // namespace mx2::optimizer
