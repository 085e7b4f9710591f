#include "api/config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <cmath>
#include <optional>
#include <sstream>
#include <vector>

#include "api/base/file.h"
#include "api/base/log.h"

namespace mx2::config {
namespace {

constexpr std::size_t kBytesMax = 16U * 1024 * 1024;
// A file has fewer values than bytes; aliases may add some, but must not multiply.
constexpr std::size_t kNodesOfAliases = 100'000;

std::string place_of(const std::string& file, const YAML::Mark& mark) {
  return file + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
}

// Where each document starts; nothing else of it.
class DocumentStarts final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { starts.push_back(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  std::vector<YAML::Mark> starts;
};

// YAML::Load() ignores all but the first document; YAML::LoadAll() finds documents without end in
// some malformed texts.
std::optional<YAML::Mark> second_document(const std::string& text) {
  std::istringstream in(text);
  YAML::Parser parser(in);
  DocumentStarts documents;
  const bool found = parser.HandleNextDocument(documents) && parser.HandleNextDocument(documents);
  return found ? std::optional(documents.starts.back()) : std::nullopt;
}

class Converter {
 public:
  Converter(Document& document, std::size_t nodes_max, std::vector<std::string>* twice)
      : document_(document), nodes_max_(nodes_max), twice_(twice) {}

  json::Value convert(const YAML::Node& node, const std::string& pointer, std::size_t depth) {
    if (error_) return nullptr;
    if (++nodes_ > nodes_max_ || depth > json::kDepthMax) {
      error_ = invalid_argument("too many or too deeply nested values", place(node));
      return nullptr;
    }
    // JSON from elsewhere has none either: what is stored with one could not be loaded again.
    if (node.IsScalar() && node.Scalar().find('\0') != std::string::npos) {
      error_ = invalid_argument("NUL character in a text", place(node));
      return nullptr;
    }
    document_.places[pointer] = place(node);
    if (node.IsSequence()) return sequence(node, pointer, depth);
    if (node.IsMap()) return mapping(node, pointer, depth);
    return node.IsScalar() ? scalar(node) : json::Value(nullptr);
  }

  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  std::string place(const YAML::Node& node) const { return place_of(document_.file, node.Mark()); }

  json::Value sequence(const YAML::Node& node, const std::string& pointer, std::size_t depth) {
    auto array = json::Value::array();
    for (std::size_t i = 0; i < node.size(); ++i) {
      array.push_back(convert(node[i], pointer + "/" + std::to_string(i), depth + 1));
    }
    return array;
  }

  json::Value mapping(const YAML::Node& node, const std::string& pointer, std::size_t depth) {
    auto object = json::Value::object();
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) {
        error_ = invalid_argument("a key must be a plain text", place(entry.first));
        return object;
      }
      const auto& key = entry.first.Scalar();
      if (key.find('\0') != std::string::npos) {
        error_ = invalid_argument("NUL character in a key", place(entry.first));
        return object;
      }
      if (object.contains(key)) {
        if (twice_ == nullptr) {
          error_ = invalid_argument("'" + key + "' appears twice", place(entry.first));
          return object;
        }
        if (twice_->size() < kProblemsMax) {
          twice_->push_back(place(entry.first) + ": '" + key + "' appears twice; the first counts");
        }
        continue;
      }
      object[key] = convert(entry.second, pointer + "/" + key, depth + 1);
      document_.places[pointer + "/" + key] = place(entry.first);
    }
    return object;
  }

  static json::Value scalar(const YAML::Node& node) {
    const auto& text = node.Scalar();
    if (node.Tag() == "!") return text;  // quoted
    if (text == "null" || text == "~" || text.empty()) return nullptr;
    if (text == "true") return true;
    if (text == "false") return false;
    std::int64_t integer = 0;
    if (YAML::convert<std::int64_t>::decode(node, integer)) return integer;
    double number = 0;
    // Not .nan and .inf: JSON has none, so what is stored with one could not be loaded again.
    if (YAML::convert<double>::decode(node, number) && std::isfinite(number)) return number;
    return text;
  }

  Document& document_;
  std::optional<Error> error_;
  const std::size_t nodes_max_;
  std::vector<std::string>* twice_;
  std::size_t nodes_ = 0;
};

}  // namespace

std::string Document::place(std::string pointer) const {
  for (;;) {
    const auto it = places.find(pointer);
    if (it != places.end()) return it->second;
    const auto slash = pointer.rfind('/');
    if (slash == std::string::npos) return file;
    pointer.erase(slash);
  }
}

Error Document::located(const Error& error, const std::string& below) const {
  Error result = error;
  const auto slash = error.pointer.rfind('/');
  const auto member = slash == std::string::npos ? "" : error.pointer.substr(slash + 1);
  result.pointer = place(below + error.pointer);
  result.detail = (member.empty() ? "" : member + " ") + error.detail;
  return result;
}

Result<Document> parse_yaml(const std::string& text, const std::string& file,
                            std::vector<std::string>* twice) {
  Document document{json::Value::object(), file, {}};
  try {
    const auto root = YAML::Load(text);
    if (const auto second = second_document(text)) {
      return invalid_argument("a second document: use one list", place_of(file, *second));
    }
    if (root.IsNull()) return document;
    Converter converter(document, text.size() + kNodesOfAliases, twice);
    document.value = converter.convert(root, "", 0);
    if (converter.error()) return *converter.error();
    return document;
  } catch (const YAML::Exception& e) {
    return invalid_argument("malformed YAML: " + e.msg, place_of(file, e.mark));
  }
}

Result<Document> read_yaml_file(const std::string& path, std::vector<std::string>* twice) {
  const auto text = read_file(path, kBytesMax);
  if (!text) return text.error();
  return parse_yaml(*text, path, twice);
}

std::string file_named_in(const std::string& document, const std::string& name) {
  const std::filesystem::path path(name);
  if (name.empty() || path.is_absolute()) return name;
  const auto beside = std::filesystem::path(document).parent_path() / path;
  std::error_code ignored;
  const bool only_here =
      !std::filesystem::exists(beside, ignored) && std::filesystem::exists(path, ignored);
  if (!only_here) return beside.string();
  log::warn(
      "a file is looked for below the folder of the file that names it; it was found below "
      "the working directory alone",
      {{"file", name}, {"named_in", document}});
  return name;
}

}  // namespace mx2::config
