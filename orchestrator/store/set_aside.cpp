#include "orchestrator/store/set_aside.h"

#include "api/base/log.h"

namespace mx2 {
namespace {

// A file with more is of no use as it is, and neither are more lines in the log.
constexpr std::size_t kItemsMax = 10'000;

}  // namespace

SetAside::SetAside(metrics::Registry& registry)
    : gauge_(registry.gauge("mx2_store_set_aside",
                            "Stored documents that cannot be read and are left where they are")) {}

void SetAside::add(const std::string& kind, const std::string& id, const std::string& reason) {
  const std::lock_guard guard(mutex_);
  if (reasons_.count({kind, id}) != 0) return;
  if (reasons_.size() >= kItemsMax) {
    if (!complete_.exchange(false)) return;
    return log::error("more stored documents cannot be read than are named",
                      {{"named", kItemsMax}});
  }
  reasons_.emplace(std::pair{kind, id}, reason);
  size_ = reasons_.size();
  gauge_.set(static_cast<double>(reasons_.size()));
  log::error("stored document cannot be read: set aside",
             {{"kind", kind}, {"id", id}, {"reason", reason}});
}

void SetAside::forget(const std::string& kind, const std::string& id) {
  if (size_ == 0) return;
  const std::lock_guard guard(mutex_);
  if (reasons_.erase({kind, id}) == 0) return;
  size_ = reasons_.size();
  gauge_.set(static_cast<double>(reasons_.size()));
  log::info("stored document is set aside no longer", {{"kind", kind}, {"id", id}});
}

std::vector<SetAside::Item> SetAside::list() const {
  std::vector<Item> items;
  const std::lock_guard guard(mutex_);
  for (const auto& [key, reason] : reasons_) items.push_back({key.first, key.second, reason});
  return items;
}

}  // namespace mx2
