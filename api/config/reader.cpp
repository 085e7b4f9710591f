#include "api/config/reader.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "api/base/file.h"
#include "api/base/text.h"

namespace mx2::config {
namespace {

std::string pointer_of(const std::string& key) {
  std::string pointer = "/" + key;
  std::replace(pointer.begin(), pointer.end(), '.', '/');
  return pointer;
}

std::string dotted(std::string pointer) {
  std::replace(pointer.begin(), pointer.end(), '/', '.');
  return pointer.substr(1);
}

// `rules`: by pointer, what is said behind a value.
void emit(YAML::Emitter& out, const json::Value& value,
          const std::map<std::string, std::string>& rules, const std::string& pointer) {
  if (value.is_object()) {
    out << YAML::BeginMap;
    for (const auto& [name, member] : value.items()) {
      const auto here = pointer + "/" + name;
      out << YAML::Key << name << YAML::Value;
      emit(out, member, rules, here);
      if (const auto rule = rules.find(here); rule != rules.end()) {
        out << YAML::Comment(rule->second);
      }
    }
    out << YAML::EndMap;
  } else if (value.is_array()) {
    out << YAML::Flow << YAML::BeginSeq;
    for (const auto& item : value) emit(out, item, rules, pointer);
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
  errors_.push_back(document_.place(pointer_of(key)) + ": " + key + " " + detail);
}

void Reader::doubt(const std::string& key, const std::string& detail) {
  doubts_.push_back(document_.place(pointer_of(key)) + ": " + key + " " + detail);
}

void Reader::note(const std::string& key, json::Value value) {
  effective_[json::Value::json_pointer(pointer_of(key))] = std::move(value);
}

const json::Value* Reader::find(const std::string& key, json::Value effective,
                                const std::string& rule) {
  known_[pointer_of(key)] = rule;
  note(key, std::move(effective));
  const auto* value = &document_.value;
  for (const auto part : split(key, '.')) {
    if (!value->is_object()) return nullptr;
    const auto it = value->find(std::string(part));
    if (it == value->end() || it->is_null()) return nullptr;
    value = &*it;
  }
  return value;
}

void Reader::read_text(const std::string& key, std::string& out, const std::string& rule) {
  const auto* value = find(key, out, rule);
  if (value == nullptr) return;
  if (!value->is_string()) return fail(key, "must be a text");
  out = value->get<std::string>();
  note(key, out);
}

void Reader::text(const std::string& key, std::string& out) { read_text(key, out, "text"); }

void Reader::url(const std::string& key, std::string& out) {
  read_text(key, out, "URL");
  while (out.ends_with('/')) out.pop_back();
}

void Reader::log(std::string& level, std::string& format) {
  choice("log.level", level, {"debug", "info", "warn", "error", "off"});
  choice("log.format", format, {"text", "json"});
}

void Reader::choice(const std::string& key, std::string& out,
                    const std::vector<std::string>& allowed) {
  read_text(key, out, join(allowed, ", "));
  if (std::find(allowed.begin(), allowed.end(), out) != allowed.end()) return;
  fail(key, "is '" + out + "'; allowed: " + join(allowed, ", "));
}

void Reader::boolean(const std::string& key, bool& out) {
  const auto* value = find(key, out, "true, false");
  if (value == nullptr) return;
  if (!value->is_boolean()) return fail(key, "must be true or false");
  out = value->get<bool>();
  note(key, out);
}

void Reader::texts(const std::string& key, std::vector<std::string>& out) {
  const auto* value = find(key, out, "list of texts");
  if (value == nullptr) return;
  const bool good = value->is_array() && std::all_of(value->begin(), value->end(),
                                                     [](const auto& v) { return v.is_string(); });
  if (!good) return fail(key, "must be a list of texts");
  out = value->get<std::vector<std::string>>();
  note(key, out);
}

void Reader::read_integer(const std::string& key, std::int64_t& out, std::int64_t least,
                          std::int64_t most) {
  const auto bounds = std::to_string(least) + " to " + std::to_string(most);
  const auto* value = find(key, out, bounds);
  if (value == nullptr) return;
  if (!value->is_number_integer()) return fail(key, "must be an integer");
  const auto number = value->get<std::int64_t>();
  if (number < least || number > most) {
    return fail(key, "is " + std::to_string(number) + "; must be from " + bounds);
  }
  out = number;
  note(key, out);
}

void Reader::file(const std::string& key, std::string& out) {
  const auto standard = out;
  read_text(key, out, "file");
  if (out == standard) return;
  out = file_named_in(document_.file, out);
  note(key, out);
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

void Reader::refuse_unknown(const json::Value& value, const std::string& pointer) {
  for (const auto& [name, member] : value.items()) {
    const auto here = pointer + "/" + name;
    if (known_.contains(here)) continue;
    const bool section = std::any_of(known_.begin(), known_.end(), [&](const auto& known) {
      return known.first.starts_with(here + "/");
    });
    if (section && (member.is_object() || member.is_null())) {
      if (member.is_object()) refuse_unknown(member, here);
      continue;
    }
    std::vector<std::string> keys;
    for (const auto& [known, rule] : known_) {
      keys.push_back(dotted(known));
      const auto slash = known.rfind('/');
      if (slash > 0) keys.push_back(dotted(known.substr(0, slash)));  // its section
    }
    fail(dotted(here),
         section ? "must be a section of keys" : "is not known" + did_you_mean(dotted(here), keys));
  }
}

Result<void> Reader::finish() {
  if (!document_.value.is_object()) {
    errors_.push_back(document_.file + ": must be a mapping of keys");
  } else {
    refuse_unknown(document_.value, "");
  }
  if (errors_.empty()) return {};
  return invalid_argument(join(errors_, "\n"));
}

std::string Reader::effective() const {
  YAML::Emitter out;
  emit(out, effective_, known_, "");
  return std::string(out.c_str()) + "\n";
}

}  // namespace mx2::config
