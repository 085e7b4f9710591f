#include "orchestrator/content.h"

#include <algorithm>

#include "api/base/text.h"
#include "api/operator/codec.h"

namespace mx2 {
namespace {

constexpr std::size_t kNamesMax = 1000;  // more are not compared

class ContentReader {
 public:
  explicit ContentReader(const config::Document& document)
      : document_(document),
        apps_(identifiers("apps", "appDId")),
        hosts_(identifiers("hosts", "id")) {}

  void refuse_unknown() {
    std::vector<Error> more;
    json::Errors errors(&more);
    json::ObjectReader reader(document_.value, "", errors);
    reader.refuse_unknown({"apps", "hosts", "table"});
    if (errors) fail(document_.located(*errors));
    for (const auto& error : more) fail(document_.located(error));
  }

  // Each item that can be decoded is checked, too.
  template <typename T, typename Check>
  void list(const std::string& section,
            Result<T> (*decode)(const json::Value&, std::vector<Error>&), std::vector<T>& out,
            Check check) {
    const auto* items = find(section);
    if (items == nullptr) return;
    const auto pointer = "/" + section;
    if (!items->is_array()) {
      return fail(invalid_argument(section + " must be a list", document_.place(pointer)));
    }
    for (std::size_t i = 0; i < items->size(); ++i) {
      std::vector<Error> more;
      auto item = decode((*items)[i], more);
      const auto here = pointer + "/" + std::to_string(i);
      if (!item) {
        fail(document_.located(item.error(), here));
        for (const auto& error : more) fail(document_.located(error, here));
        continue;
      }
      check(*item, here);
      out.push_back(std::move(*item));
    }
  }

  void check_app(const std::string& id, const std::string& pointer) {
    check_name("app", id, apps_, pointer);
  }
  void check_host(const std::string& id, const std::string& pointer) {
    check_name("host", id, hosts_, pointer);
  }

  // All of them, one line each; the first one's place is the error's.
  [[nodiscard]] std::optional<Error> error() const {
    std::optional<Error> all;
    for (const auto* errors : {&errors_, &references_}) {
      for (const auto& error : *errors) {
        if (all) all->detail += "\n" + error.pointer + ": " + error.detail;
        if (!all) all = error;
      }
    }
    return all;
  }

 private:
  const json::Value* find(const std::string& section) const {
    if (!document_.value.is_object()) return nullptr;
    const auto it = document_.value.find(section);
    return it == document_.value.end() || it->is_null() ? nullptr : &*it;
  }

  // Also of items that cannot be decoded: who refers to them is right.
  [[nodiscard]] std::vector<std::string> identifiers(const std::string& section,
                                                     const char* name) const {
    std::vector<std::string> ids;
    const auto* items = find(section);
    if (items == nullptr || !items->is_array()) return ids;
    for (const auto& item : *items) {
      auto id = json::text_of(item, name);
      if (!id.empty()) ids.push_back(std::move(id));
    }
    std::sort(ids.begin(), ids.end());
    return ids;
  }

  void check_name(const char* kind, const std::string& id, const std::vector<std::string>& ids,
                  const std::string& pointer) {
    if (std::binary_search(ids.begin(), ids.end(), id)) return;
    if (references_.size() >= config::kProblemsMax) return;
    const auto hint = ids.size() > kNamesMax ? std::string() : did_you_mean(id, ids);
    references_.push_back(invalid_argument(
        std::string(kind) + " '" + id + "' is not in this file" + hint, document_.place(pointer)));
  }

  void fail(const Error& error) {
    if (errors_.size() < config::kProblemsMax) errors_.push_back(error);
  }

  const config::Document& document_;
  const std::vector<std::string> apps_;
  const std::vector<std::string> hosts_;
  std::vector<Error> errors_;
  std::vector<Error> references_;  // to what is not there; may follow from the others
};

}  // namespace

Result<Content> read_content(const config::Document& document) {
  ContentReader reader(document);
  Content content;
  reader.refuse_unknown();
  reader.list("apps", codec::decode_app, content.apps, [](const App&, const std::string&) {});
  reader.list("hosts", codec::decode_host, content.hosts,
              [&](const Host& host, const std::string& pointer) {
                for (const auto& instance : host.instances) {
                  reader.check_app(instance.app_d_id, pointer + "/instances");
                }
              });
  reader.list("table", codec::decode_table_change, content.rows,
              [&](const TableChange& change, const std::string& pointer) {
                if (change.remove) return;
                reader.check_app(change.row.app_d_id, pointer + "/app");
                for (const auto& target : change.row.targets) {
                  if (target.kind != Target::Kind::kHost) continue;
                  reader.check_host(target.value, pointer + "/targets");
                }
              });
  if (auto error = reader.error()) return std::move(*error);
  return content;
}

}  // namespace mx2
