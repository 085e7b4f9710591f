#include "api/config/reader.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "api/base/file.h"
#include "api/base/text.h"

namespace mx2::config {
namespace {

// `rules`: by key, what is said behind a value.
void emit(YAML::Emitter& out, const json::Value& value,
          const std::map<std::string, std::string>& rules, const std::string& section = {}) {
  if (value.is_object()) {
    out << YAML::BeginMap;
    for (const auto& [name, member] : value.items()) {
      const auto key = section.empty() ? name : section + "." + name;
      out << YAML::Key << name << YAML::Value;
      emit(out, member, rules, key);
      if (const auto rule = rules.find(key); rule != rules.end()) {
        out << YAML::Comment(rule->second);
      }
    }
    out << YAML::EndMap;
  } else if (value.is_array()) {
    out << YAML::Flow << YAML::BeginSeq;
    for (const auto& item : value) emit(out, item, rules, section);
    out << YAML::EndSeq;
  } else if (value.is_string()) {
    out << YAML::DoubleQuoted << value.get<std::string>();
  } else if (value.is_boolean()) {
    out << value.get<bool>();
  } else {
    out << value.get<std::int64_t>();
  }
}

}  // namespace

void Reader::fail(const std::string& key, const std::string& detail) {
  keys_.problem(key + " " + detail, key);
}

void Reader::doubt(const std::string& key, const std::string& detail) {
  doubts_.push_back(keys_.place(key) + ": " + key + " " + detail);
}

void Reader::note(const std::string& key, json::Value value, const std::string& rule) {
  rules_[key] = rule;
  auto* place = &effective_;
  for (const auto part : split(key, '.')) place = &(*place)[std::string(part)];
  *place = std::move(value);
}

void Reader::text(const std::string& key, std::string& out, const std::string& rule) {
  keys_.text(key, out);
  note(key, out, rule);
}

void Reader::text(const std::string& key, std::string& out) { text(key, out, "text"); }

void Reader::url(const std::string& key, std::string& out) {
  text(key, out, "URL");
  while (out.ends_with('/')) out.pop_back();
}

void Reader::log(std::string& level, std::string& format) {
  choice("log.level", level, {"debug", "info", "warn", "error", "off"});
  choice("log.format", format, {"text", "json"});
}

void Reader::choice(const std::string& key, std::string& out,
                    const std::vector<std::string>& allowed) {
  keys_.choice(key, out, allowed);
  note(key, out, join(allowed, ", "));
}

void Reader::boolean(const std::string& key, bool& out) {
  keys_.boolean(key, out);
  note(key, out, "true, false");
}

void Reader::texts(const std::string& key, std::vector<std::string>& out) {
  if (keys_.find(key) != nullptr) out = keys_.texts(key);
  note(key, out, "list of texts");
}

void Reader::file(const std::string& key, std::string& out) {
  const auto standard = out;
  text(key, out, "file");
  if (out == standard) return;
  out = file_named_in(document_.file, out);
  note(key, out, "file");
}

void Reader::ca_file(const std::string& key, std::string& out) {
  const auto standard = out;
  file(key, out);
  if (out.empty() || out == standard) return;
  const auto content = read_file(out);
  if (!content) return doubt(key, "names " + out + ", which cannot be read");
  if (content->find("CERTIFICATE-----") == std::string::npos) {
    doubt(key, "names " + out + ", which has no certificate in PEM");
  }
}

void Reader::secret_file(const std::string& key, std::string& content) {
  std::string path;
  file(key, path);
  if (path.empty()) return;
  const auto bytes = read_file(path);
  if (!bytes) return fail(key, "names " + path + ", which cannot be read");
  content = *bytes;
}

void Reader::token_file(const std::string& key, std::string& token) {
  secret_file(key, token);
  token = first_line(token);
}

Result<void> Reader::finish() {
  if (!document_.value.is_object()) {
    errors_.push_back(document_.file + ": must be a mapping of keys");
  } else {
    keys_.refuse_unknown("");
  }
  if (errors_.empty()) return {};
  return invalid_argument(join(errors_, "\n"));
}

std::string Reader::effective() const {
  YAML::Emitter out;
  emit(out, effective_, rules_);
  return std::string(out.c_str()) + "\n";
}

}  // namespace mx2::config
