#include "mx2-client/src/notification.h"

#include "api/base/text.h"
#include "api/json/json.h"
#include "api/mx2/codec.h"

namespace mx2::device {

Result<Notification> read_notification(std::string_view body) {
  const auto document = json::parse(body);
  if (!document) return document.error();
  if (!document->is_object() || document->contains("notificationType")) {
    return codec::decode_notification(body);
  }
  return json::decode_object<Notification>(
      *document, [](json::ObjectReader& reader, Notification& out) {
        auto& change = out.emplace<AddressChangeNotification>();
        reader.optional("contextId", change.context_id, json::kAnyText);
        reader.optional("appInstanceId", change.app_instance_id, json::kAnyText);
        reader.required("referenceURI", change.reference_uri, {1, 4096});
      });
}

const std::string& context_id_of(const Notification& notification) {
  return std::visit([](const auto& n) -> const std::string& { return n.context_id; }, notification);
}

std::optional<std::uint64_t> read_number(std::optional<std::string_view> text) {
  if (!text) return std::nullopt;
  auto digits = trim(*text);
  if (digits.size() >= 2 && digits.front() == '"' && digits.back() == '"') {
    digits = digits.substr(1, digits.size() - 2);
  }
  return parse_uint(digits);
}

}  // namespace mx2::device
