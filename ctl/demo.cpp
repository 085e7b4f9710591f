#include "ctl/demo.h"

#include <filesystem>
#include <optional>

#include "api/config/yaml.h"
#include "api/operator/codec.h"
#include "ctl/commands.h"

namespace mx2::ctl {
namespace {

constexpr std::size_t kDemoItemsMax = 1000;

class DemoReader {
 public:
  explicit DemoReader(const config::Document& document)
      : document_(document), members_(document.value, "", error_) {}

  Result<Demo> read() {
    Demo demo;
    members_.optional_items("packages", demo.packages, kDemoItemsMax,
                            [](json::ObjectReader& item, Demo::Package& package) {
                              item.required_line("file", package.file, json::kUri);
                              item.required_line("app", package.app_d_id, json::kIdentifier);
                              item.refuse_unknown({"file", "app"});
                            });
    for (auto& package : demo.packages) {
      package.file = config::file_named_in(document_.file, package.file);
    }
    entries("apps", "appDId", codec::decode_app, demo.apps);
    entries("hosts", "id", codec::decode_host, demo.hosts);
    rows(demo.rows);
    members_.optional("next", demo.next, json::kAnyText);
    members_.refuse_unknown({"packages", "apps", "hosts", "table", "next"});
    if (!error_) return demo;
    const auto located = document_.located(*error_);
    return usage_error(located.detail, located.pointer);
  }

 private:
  // Each item of a list that can be decoded; the first that cannot is the error.
  template <typename T, typename Take>
  void items(const char* section, Result<T> (*decode)(const json::Value&), const Take& take) {
    const auto* list = members_.array(section, kDemoItemsMax);
    for (std::size_t i = 0; list != nullptr && i < list->size() && !error_; ++i) {
      auto decoded = decode((*list)[i]);
      if (decoded) {
        take((*list)[i], std::move(*decoded));
        continue;
      }
      error_ = decoded.error();
      error_->pointer = members_.at(section) + "/" + std::to_string(i) + error_->pointer;
    }
  }

  template <typename T>
  void entries(const char* section, const char* key, Result<T> (*decode)(const json::Value&),
               std::vector<Demo::Entry>& out) {
    items(section, decode, [&](const json::Value& item, const T& /*as it is sent*/) {
      out.emplace_back(json::text_of(item, key), item);
    });
  }

  void rows(std::vector<TableChange>& out) {
    items("table", codec::decode_table_change,
          [&](const json::Value& /*item*/, TableChange row) { out.push_back(std::move(row)); });
  }

  const config::Document& document_;
  json::Errors error_;
  json::ObjectReader members_;
};

}  // namespace

std::vector<std::string> Demo::app_ids() const {
  std::vector<std::string> ids;
  for (const auto& package : packages) ids.push_back(package.app_d_id);
  for (const auto& [id, document] : apps) ids.push_back(id);
  return ids;
}

Result<Demo> read_demo(const std::string& file) {
  const auto document = config::read_yaml_file(file);
  if (!document) return usage_error(document.error().detail, document.error().pointer);
  return DemoReader(*document).read();
}

std::string installed_demo() {
  std::error_code unknown;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  return (program.parent_path().parent_path() / "share/mx2/demo/demo.yaml").string();
}

}  // namespace mx2::ctl
