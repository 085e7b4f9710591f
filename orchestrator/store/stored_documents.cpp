#include "api/json/form.h"
#include "api/mec/codec_app_package.h"
#include "api/operator/codec.h"
#include "orchestrator/store/store.h"

namespace mx2 {

Result<void> StoreTransaction::put(const App& app) {
  return put_document(Stored::kApp, app.info.app_d_id,
                      json::dump(json::with_form(codec::to_json(app))));
}

Result<void> StoreTransaction::put(const Host& host) {
  return put_document(Stored::kHost, host.id, json::dump(json::with_form(codec::to_json(host))));
}

Result<void> StoreTransaction::put(const Package& package) {
  return put_document(Stored::kPackage, package.id, json::dump(codec::to_json(package)));
}

Result<void> StoreTransaction::put(const PackageSubscription& subscription) {
  return put_document(Stored::kPackageSubscription, subscription.id,
                      json::dump(codec::to_json(subscription)));
}

Result<void> StoreTransaction::set_table_version(std::uint64_t version) {
  return put_document(Stored::kFact, "table_version", std::to_string(version));
}

Result<void> StoreTransaction::set_relocating(bool relocating) {
  return put_document(Stored::kFact, "relocating", relocating ? "1" : "0");
}

Result<void> StoreTransaction::set_optimizer_paused(bool paused) {
  return put_document(Stored::kFact, "optimizer_paused", paused ? "1" : "0");
}

Result<void> StoreTransaction::set_epoch(const StoreEpoch& epoch, const std::string& place) {
  if (auto put = put_document(Stored::kFact, "epoch", to_text(epoch)); !put) return put;
  return put_document(Stored::kFact, "place", place);
}

}  // namespace mx2
