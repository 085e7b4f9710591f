// Which contexts a device application has for an app: what a change of a dev: row concerns; and how
// many contexts each host serves.
//
// Threads: store writer's only (and before it starts), but for clients(). Memory: about 50 bytes
// for each context.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "orchestrator/core/client_counts.h"

namespace mx2 {

class ContextIndex {
 public:
  // `context_id`: 32 hexadecimal digits. Whoever adds and removes counts its client, too.
  void add(std::string_view app_d_id, std::string_view dev_app_id, std::string_view context_id);
  void remove(std::string_view app_d_id, std::string_view dev_app_id, std::string_view context_id);

  // All there are, and by accident some of others: read the context before you believe it.
  [[nodiscard]] std::vector<std::string> find(std::string_view app_d_id,
                                              std::string_view dev_app_id) const;

  [[nodiscard]] ClientCounts& clients() { return clients_; }

 private:
  using PackedId = std::array<std::uint8_t, 16>;
  static PackedId pack(std::string_view context_id);
  static std::uint64_t key_of(std::string_view app_d_id, std::string_view dev_app_id);

  std::unordered_multimap<std::uint64_t, PackedId> contexts_;
  ClientCounts clients_;
};

}  // namespace mx2
