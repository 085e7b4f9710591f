#include "orchestrator/core/context_index.h"

#include <charconv>
#include <functional>

namespace mx2 {

ContextIndex::PackedId ContextIndex::pack(std::string_view context_id) {
  PackedId packed{};
  for (std::size_t i = 0; i < packed.size() && 2 * i + 2 <= context_id.size(); ++i) {
    const char* digits = context_id.data() + 2 * i;
    std::from_chars(digits, digits + 2, packed[i], 16);
  }
  return packed;
}

std::uint64_t ContextIndex::key_of(std::string_view app_d_id, std::string_view dev_app_id) {
  const std::hash<std::string_view> hash;
  return hash(app_d_id) * 0x9E3779B97F4A7C15ULL + hash(dev_app_id);
}

void ContextIndex::add(std::string_view app_d_id, std::string_view dev_app_id,
                       std::string_view context_id) {
  contexts_.emplace(key_of(app_d_id, dev_app_id), pack(context_id));
}

void ContextIndex::remove(std::string_view app_d_id, std::string_view dev_app_id,
                          std::string_view context_id) {
  const auto packed = pack(context_id);
  const auto [begin, end] = contexts_.equal_range(key_of(app_d_id, dev_app_id));
  for (auto it = begin; it != end; ++it) {
    if (it->second != packed) continue;
    contexts_.erase(it);
    return;
  }
}

std::vector<std::string> ContextIndex::find(std::string_view app_d_id,
                                            std::string_view dev_app_id) const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::vector<std::string> ids;
  const auto [begin, end] = contexts_.equal_range(key_of(app_d_id, dev_app_id));
  for (auto it = begin; it != end; ++it) {
    auto& id = ids.emplace_back();
    for (const auto byte : it->second) {
      id += kDigits[byte >> 4U];
      id += kDigits[byte & 15U];
    }
  }
  return ids;
}

}  // namespace mx2
