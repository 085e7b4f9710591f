#include "optimizer/topology_csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>

#include "api/base/text.h"
#include "api/config/mapping.h"
#include "api/csv/csv.h"

namespace mx2::optimizer {
namespace {

enum class Kind : std::uint8_t { kText, kNumber, kTexts };
using Columns = std::vector<std::pair<std::string, Kind>>;

const Columns kHostColumns = {{"id", Kind::kText},          {"tier", Kind::kText},
                              {"parent", Kind::kText},      {"capacity", Kind::kNumber},
                              {"cores", Kind::kNumber},     {"service_us", Kind::kNumber},
                              {"longitude", Kind::kNumber}, {"latitude", Kind::kNumber},
                              {"memory_mb", Kind::kNumber}, {"bandwidth_kbps", Kind::kNumber}};
const Columns kAttachmentColumns = {{"name", Kind::kText},
                                    {"longitude", Kind::kNumber},
                                    {"latitude", Kind::kNumber},
                                    {"prefixes", Kind::kTexts},
                                    {"devices", Kind::kTexts}};
const Columns kLatencyColumns = {
    {"attachment", Kind::kText}, {"host", Kind::kText}, {"ms", Kind::kNumber}};

// What is no number stays a text, for the reader to complain of.
json::Value number_of(const std::string& text) {
  std::int64_t whole = 0;
  const auto* end = text.data() + text.size();
  if (const auto read = std::from_chars(text.data(), end, whole); read.ptr == end) {
    if (read.ec == std::errc()) return whole;
  }
  double real = 0;
  const auto read = std::from_chars(text.data(), end, real);
  if (read.ec == std::errc() && read.ptr == end && std::isfinite(real)) return real;
  return text;
}

// Characters of a field and the comma after it, quoted only if it must be.
std::size_t width(const std::string& field) { return csv_line({field, ""}).size() - 1; }

json::Value value_of(Kind kind, const std::string& text) {
  if (kind == Kind::kNumber) return number_of(text);
  if (kind == Kind::kText) return text;
  auto list = json::Value::array();
  for (const auto part : split(text, ' ')) {
    if (!part.empty()) list.push_back(std::string(part));
  }
  return list;
}

class CsvFile {
 public:
  // One record: what it has, and where each of it begins ("" for the record).
  struct Entry {
    json::Value value = json::Value::object();
    std::map<std::string, std::string> places;
  };

  CsvFile(std::string file, const Columns& columns, std::vector<std::string>& problems)
      : file_(std::move(file)), columns_(columns), problems_(problems) {}

  void read(const std::function<void(Entry)>& use) {
    std::ifstream in(file_);
    if (!in) return problem(file_, "cannot be read");
    CsvReader reader(in);
    for (std::size_t records = 0;; ++records) {
      const auto record = reader.next();
      if (!record) return problem(place(reader.line(), 1), record.error().detail);
      if (!*record) return;
      if (records > kCsvRecordsMax) return problem(place((*record)->line, 1), "too many records");
      if (records == 0) {
        read_header(**record);
      } else {
        use(entry(**record));
      }
    }
  }

  void problem(const std::string& where, const std::string& text) {
    if (problems_.size() < config::kProblemsMax) problems_.push_back(where + ": " + text);
  }

 private:
  [[nodiscard]] std::string place(std::size_t line, std::size_t column) const {
    return file_ + ":" + std::to_string(line) + ":" + std::to_string(column);
  }

  void read_header(const CsvRecord& record) {
    std::vector<std::string> known;
    for (const auto& [name, kind] : columns_) known.push_back(name);
    std::size_t column = 1;
    for (const auto& field : record.fields) {
      const auto name = std::string(trim(field));
      const auto it = std::find(known.begin(), known.end(), name);
      header_.push_back(it == known.end() ? columns_.size()
                                          : static_cast<std::size_t>(it - known.begin()));
      if (it == known.end()) {
        problem(place(record.line, column),
                "column '" + name + "' is not known" + did_you_mean(name, known));
      }
      column += width(field);
    }
  }

  Entry entry(const CsvRecord& record) {
    Entry result;
    result.places[""] = place(record.line, 1);
    if (record.fields.size() > header_.size()) {
      problem(place(record.line, 1), "has more fields than there are columns");
    }
    std::size_t column = 1;
    for (std::size_t i = 0; i < std::min(record.fields.size(), header_.size()); ++i) {
      const auto text = std::string(trim(record.fields[i]));
      if (!text.empty() && header_[i] < columns_.size()) {
        const auto& [name, kind] = columns_[header_[i]];
        result.value[name] = value_of(kind, text);
        result.places[name] = place(record.line, column);
      }
      column += width(record.fields[i]);
    }
    return result;
  }

  const std::string file_;
  const Columns& columns_;
  std::vector<std::string>& problems_;
  std::vector<std::size_t> header_;  // of each field its column
};

void join_position(CsvFile::Entry& entry) {
  auto& value = entry.value;
  if (!value.contains("longitude") && !value.contains("latitude")) return;
  value["position"] = {value.value("longitude", json::Value()),
                       value.value("latitude", json::Value())};
  const auto* first = value.contains("longitude") ? "longitude" : "latitude";
  entry.places["position"] = entry.places[first];
  value.erase("longitude");
  value.erase("latitude");
}

void append(config::Document& document, const std::string& list, CsvFile::Entry entry) {
  join_position(entry);
  auto& items = document.value[list];
  if (items.is_null()) items = json::Value::array();
  if (!items.is_array()) return;  // the reader tells
  const auto pointer = "/" + list + "/" + std::to_string(items.size());
  for (auto& [key, place] : entry.places) {
    document.places[key.empty() ? pointer : pointer + "/" + key] = std::move(place);
  }
  items.push_back(std::move(entry.value));
}

void append_latency(config::Document& document, CsvFile& file, const CsvFile::Entry& entry) {
  const auto text = [&](const char* name) {
    const auto it = entry.value.find(name);
    return it == entry.value.end() ? std::string() : it->get<std::string>();
  };
  const auto attachment = text("attachment");
  const auto host = text("host");
  const auto& where = entry.places.at("");
  if (attachment.empty() || host.empty()) {
    return file.problem(where, "attachment and host are needed; the record is left out");
  }
  auto& rows = document.value["latency_ms"];
  if (rows.is_null()) rows = json::Value::object();
  if (!rows.is_object()) return;
  auto& row = rows[attachment];
  if (row.is_null()) row = json::Value::object();
  if (!row.is_object()) return;
  if (row.contains(host)) {
    return file.problem(where, "the latency from '" + attachment + "' to '" + host +
                                   "' is given already; this one is left out");
  }
  const auto ms = entry.value.find("ms");
  row[host] = ms == entry.value.end() ? json::Value() : *ms;
  const auto pointer = "/latency_ms/" + attachment;
  document.places.emplace(pointer, where);
  document.places[pointer + "/" + host] = ms == entry.value.end() ? where : entry.places.at("ms");
}

}  // namespace

config::Document with_csv_files(const config::Document& yaml, std::vector<std::string>& files,
                                std::vector<std::string>& problems) {
  auto document = yaml;
  if (!yaml.value.is_object() || !yaml.value.contains("csv")) return document;
  const auto& csv = yaml.value["csv"];
  config::Mapping names(yaml, csv, "/csv", problems);
  if (!names.is_mapping()) names.problem("must be a mapping; it is left out");
  const auto folder = std::filesystem::path(yaml.file).parent_path();
  const auto each = [&](const char* list, const Columns& columns, const auto& use) {
    std::string name;
    names.text(list, name);
    if (name.empty()) return;
    files.push_back((folder / name).string());
    CsvFile file(files.back(), columns, problems);
    file.read([&](CsvFile::Entry entry) { use(file, std::move(entry)); });
  };
  each("hosts", kHostColumns,
       [&](CsvFile&, CsvFile::Entry entry) { append(document, "hosts", std::move(entry)); });
  each("attachments", kAttachmentColumns,
       [&](CsvFile&, CsvFile::Entry entry) { append(document, "attachments", std::move(entry)); });
  each("latency_ms", kLatencyColumns,
       [&](CsvFile& file, const CsvFile::Entry& entry) { append_latency(document, file, entry); });
  names.refuse_unknown();
  return document;
}

}  // namespace mx2::optimizer
