// A program's configuration: each key is read once, with its default, bounds and place. Unknown
// keys are errors with a suggestion, and all errors are reported together, one line each, as
// file:line:column. What was read can be printed, secrets apart, and with it what each key may be.
//
//   config::Reader reader(document);
//   reader.integer("mx2.port", options.port, 0, 65535);
//   if (auto ok = reader.finish(); !ok) …
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "api/base/result.h"
#include "api/base/text.h"
#include "api/config/mapping.h"

namespace mx2::config {

// What a program's configuration came to.
template <typename Options>
struct Loaded {
  Options options;
  std::string effective;                   // as YAML, without secrets
  std::vector<std::string> problems = {};  // that a start bears, but not --check-config or a reload
};

class Reader {
 public:
  explicit Reader(const Document& document)
      : document_(document), keys_(document, document.value, "", errors_, Mapping::Keys::kPaths) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // `out` holds the default and keeps it when the key is absent. Keys are dotted paths.
  void text(const std::string& key, std::string& out);
  void url(const std::string& key, std::string& out);  // without slashes at its end
  void choice(const std::string& key, std::string& out, const std::vector<std::string>& allowed);
  // The same, of an enumeration.
  template <typename Enum, std::size_t n>
  void choice(const std::string& key, Enum& out, const EnumTexts<n>& texts) {
    std::string text(enum_text(out, texts));
    choice(key, text, std::vector<std::string>(texts.begin(), texts.end()));
    out = parse_enum<Enum>(text, texts).value_or(out);
  }
  void boolean(const std::string& key, bool& out);
  void texts(const std::string& key, std::vector<std::string>& out);
  template <typename Int>
  void integer(const std::string& key, Int& out, std::int64_t least, std::int64_t most) {
    keys_.integer(key, out, least, most);
    note(key, static_cast<std::int64_t>(out),
         std::to_string(least) + " to " + std::to_string(most));
  }
  void log(std::string& level, std::string& format);  // log.level and log.format
  // A file that is read later: its name, as file_named_in() the document.
  void file(const std::string& key, std::string& out);
  // The same, of trusted certificates; a problem if the one named has none in PEM.
  void ca_file(const std::string& key, std::string& out);
  // A file whose content is the value (a secret): read now, printed only as its path.
  void secret_file(const std::string& key, std::string& content);
  // The same, where the value is the file's first line without the spaces around it.
  void token_file(const std::string& key, std::string& token);

  // An error that concerns a key but needs more than its bounds to be seen.
  void fail(const std::string& key, const std::string& detail);

  // The same of what a start can bear.
  void doubt(const std::string& key, const std::string& detail);

  // invalid_argument with all errors, or nothing.
  [[nodiscard]] Result<void> finish();
  // The effective configuration as YAML; a comment behind each key says what it may be.
  [[nodiscard]] std::string effective() const;
  // The options, or all errors.
  template <typename Options>
  [[nodiscard]] Result<Loaded<Options>> finish(Options options) {
    if (auto fine = finish(); !fine) return fine.error();
    return Loaded<Options>{std::move(options), effective(), std::move(doubts_)};
  }

 private:
  void note(const std::string& key, json::Value value, const std::string& rule);
  void text(const std::string& key, std::string& out, const std::string& rule);

  const Document& document_;
  std::vector<std::string> errors_;
  Mapping keys_;
  std::vector<std::string> doubts_;
  json::Value effective_ = json::Value::object();
  std::map<std::string, std::string> rules_;  // by key: what its value may be
};

}  // namespace mx2::config
