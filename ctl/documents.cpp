#include "ctl/documents.h"

#include <filesystem>
#include <fstream>
#include <optional>

#include "api/base/text.h"
#include "ctl/commands.h"

namespace mx2::ctl {
namespace {

constexpr std::size_t kBytesMax = 16U * 1024 * 1024;

Result<std::string> content(std::istream& in, const std::string& name) {
  std::string text(kBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return usage_error("cannot be read", name);
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kBytesMax) return usage_error("is larger than 16 MiB", name);
  return text;
}

bool is_json(const std::string& name, const std::string& text) {
  const auto extension = to_lower(std::filesystem::path(name).extension().string());
  if (extension == ".yaml" || extension == ".yml") return false;
  const auto first = text.find_first_not_of(" \t\r\n");
  return extension == ".json" ||
         (first != std::string::npos && (text[first] == '{' || text[first] == '['));
}

Result<config::Document> parse(const std::string& name, const std::string& text) {
  if (!is_json(name, text)) {
    auto document = config::parse_yaml(text, name);
    if (!document) return usage_error(document.error().detail, document.error().pointer);
    return document;
  }
  auto value = json::parse(text);
  if (!value) return usage_error(value.error().detail, name);
  return config::Document{std::move(*value), name, {}};
}

}  // namespace

Result<Documents> Documents::read(const std::string& file, std::istream& in) {
  const bool standard_input = file == "-";
  std::ifstream stream;
  if (!standard_input) stream.open(file, std::ios::binary);
  if (!stream) return usage_error("cannot be opened", file);
  const auto name = standard_input ? std::string("<stdin>") : file;
  const auto text = content(standard_input ? in : stream, name);
  if (!text) return text.error();
  auto source = parse(name, *text);
  if (!source) return source.error();
  Documents documents;
  documents.source_ = std::move(*source);
  return documents;
}

std::size_t Documents::size() const { return source_.value.is_array() ? source_.value.size() : 1; }

const json::Value& Documents::operator[](std::size_t i) const {
  return source_.value.is_array() ? source_.value[i] : source_.value;
}

Error Documents::located(std::size_t i, const Error& error) const {
  const auto below = source_.value.is_array() ? "/" + std::to_string(i) : "";
  if (!source_.places.empty()) {
    const auto located = source_.located(error, below);
    return usage_error(located.detail, located.pointer);
  }
  return usage_error(error.detail, source_.file + ": " + below + error.pointer);
}

}  // namespace mx2::ctl
