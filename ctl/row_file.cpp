#include "ctl/row_file.h"

#include <algorithm>
#include <array>

#include "api/base/text.h"
#include "api/csv/csv.h"
#include "api/operator/codec.h"
#include "ctl/output.h"

namespace mx2::ctl {
namespace {

const std::vector<std::string> kExported{"ue", "app", "targets", "writer", "reason"};
const std::vector<std::string> kReadOver{"version", "updated"};

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

json::Value words_of(const std::string& text) {
  auto words = json::Value::array();
  for (const auto word : split(text, ' ')) {
    if (!word.empty()) words.push_back(std::string(word));
  }
  return words;
}

class Places {
 public:
  explicit Places(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] std::string at(std::size_t line) const {
    return name_ + ":" + std::to_string(line);
  }
  // A codec's pointer names the member: "/ue".
  [[nodiscard]] Error located(const Error& error, std::size_t line) const {
    auto detail = error.detail;
    if (error.pointer.size() > 1) detail = error.pointer.substr(1) + ": " + detail;
    return invalid_argument(detail, at(line));
  }
  [[nodiscard]] Result<std::optional<FileRow>> decoded(const json::Value& document,
                                                       std::size_t line) const {
    auto change = codec::decode_table_change(document);
    if (!change) return located(change.error(), line);
    return std::optional<FileRow>({std::move(*change), line});
  }

 private:
  std::string name_;
};

class CsvRows final : public RowReader {
 public:
  CsvRows(std::istream& in, std::string name) : csv_(in), places_(std::move(name)) {}

  Result<std::optional<FileRow>> next() override {
    if (header_.empty()) {
      if (auto read = read_header(); !read) return read.error();
    }
    const auto record = csv_.next();
    if (!record) return places_.located(record.error(), csv_.line());
    if (!*record) return std::optional<FileRow>();
    const auto& [line, fields] = **record;
    if (fields.size() != header_.size()) {
      return invalid_argument("has " + std::to_string(fields.size()) + " fields, the header " +
                                  std::to_string(header_.size()),
                              places_.at(line));
    }
    return places_.decoded(document_of(fields), line);
  }

  std::size_t bytes_read() const override { return csv_.bytes_read(); }

 private:
  Result<void> read_header() {
    const auto record = csv_.next();
    if (!record) return places_.located(record.error(), csv_.line());
    if (!*record) return invalid_argument("is empty: a header line is needed", places_.at(1));
    header_ = (*record)->fields;
    const auto where = places_.at((*record)->line);
    for (const auto& column : header_) {
      if (!contains(kExported, column) && !contains(kReadOver, column)) {
        return invalid_argument(
            "unknown column '" + printable(column) + "'" +
                did_you_mean(column, kExported, "; the header is " + join(kExported, ",")),
            where);
      }
      if (std::count(header_.begin(), header_.end(), column) > 1) {
        return invalid_argument("column '" + column + "' appears twice", where);
      }
    }
    for (const auto* needed : {"ue", "app", "targets"}) {
      if (!contains(header_, needed)) {
        return invalid_argument(std::string("column '") + needed + "' is missing", where);
      }
    }
    return {};
  }

  [[nodiscard]] json::Value document_of(const std::vector<std::string>& fields) const {
    auto document = json::Value::object();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const auto& name = header_[i];
      if (contains(kReadOver, name)) continue;
      if (name == "targets") {
        document[name] = words_of(fields[i]);
      } else if (name != "writer" || !fields[i].empty()) {
        document[name] = fields[i];
      }
    }
    return document;
  }

  CsvReader csv_;
  Places places_;
  std::vector<std::string> header_;
};

class NdjsonRows final : public RowReader {
 public:
  NdjsonRows(std::istream& in, std::string name) : lines_(in), places_(std::move(name)) {}

  Result<std::optional<FileRow>> next() override {
    for (;;) {
      auto line = lines_.next();
      if (!line) return places_.located(line.error(), lines_.line());
      if (!*line) return std::optional<FileRow>();
      if ((*line)->find_first_not_of(" \t\r\n") == std::string::npos) continue;
      const auto document = json::parse(**line);
      if (!document) return places_.located(document.error(), lines_.line());
      return places_.decoded(*document, lines_.line());
    }
  }

  std::size_t bytes_read() const override { return lines_.bytes_read(); }

 private:
  LineReader lines_;
  Places places_;
};

}  // namespace

std::optional<FileFormat> format_of(const std::string& file_name) {
  const auto dot = file_name.rfind('.');
  const auto extension = dot == std::string::npos ? "" : to_lower(file_name.substr(dot));
  if (extension == ".csv") return FileFormat::kCsv;
  if (extension == ".ndjson" || extension == ".jsonl") return FileFormat::kNdjson;
  return std::nullopt;
}

std::unique_ptr<RowReader> make_row_reader(FileFormat format, std::istream& in, std::string name) {
  if (format == FileFormat::kCsv) return std::make_unique<CsvRows>(in, std::move(name));
  return std::make_unique<NdjsonRows>(in, std::move(name));
}

std::string file_header(FileFormat format) {
  return format == FileFormat::kCsv ? csv_line(kExported) : "";
}

std::string file_row(FileFormat format, const json::Value& row) {
  if (format == FileFormat::kNdjson) {
    auto line = row;
    for (const auto& name : kReadOver) line.erase(name);
    return json::dump(line) + '\n';
  }
  std::vector<std::string> fields;
  fields.reserve(kExported.size());
  for (const auto& name : kExported) fields.push_back(text_at(row, name));
  return csv_line(fields);
}

}  // namespace mx2::ctl
