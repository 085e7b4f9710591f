#include "orchestrator/content.h"

#include "api/operator/codec.h"

namespace mx2 {
namespace {

template <typename T>
Result<void> read_list(const config::Document& document, const std::string& section,
                       Result<T> (*decode)(const json::Value&), std::vector<T>& out) {
  const auto it = document.value.find(section);
  if (it == document.value.end() || it->is_null()) return {};
  if (!it->is_array()) {
    return invalid_argument(section + " must be a list", document.place("/" + section));
  }
  for (std::size_t i = 0; i < it->size(); ++i) {
    auto item = decode((*it)[i]);
    if (!item) return document.located(item.error(), "/" + section + "/" + std::to_string(i));
    out.push_back(std::move(*item));
  }
  return {};
}

}  // namespace

Result<Content> read_content(const config::Document& document) {
  std::optional<Error> error;
  json::ObjectReader reader(document.value, "", error);
  reader.refuse_unknown({"apps", "hosts", "table"});
  if (error) return document.located(*error);
  Content content;
  auto read = read_list(document, "apps", codec::decode_app, content.apps);
  if (read) read = read_list(document, "hosts", codec::decode_host, content.hosts);
  if (read) read = read_list(document, "table", codec::decode_table_change, content.rows);
  if (!read) return read.error();
  return content;
}

}  // namespace mx2
