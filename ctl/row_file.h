// Files of table rows, for import and export.
//
// CSV: a header line with the columns ue, app, targets and, if wanted, writer and reason, in any
// order; targets separated by spaces. NDJSON: the lines that PATCH /operator/v1/table takes, so it
// can also remove rows ("remove": true). Columns and members that only the server sets ("version",
// "updated") are read over.
#pragma once

#include <cstddef>
#include <istream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "api/base/result.h"
#include "api/json/json.h"
#include "api/operator/types.h"

namespace mx2::ctl {

enum class FileFormat { kCsv, kNdjson };

// By the end of the name: .csv, .ndjson, .jsonl; nothing for any other.
[[nodiscard]] std::optional<FileFormat> format_of(const std::string& file_name);

struct FileRow {
  TableChange change;
  std::size_t line = 0;
};

class RowReader {
 public:
  virtual ~RowReader() = default;
  // The next row, checked; nothing at the end. invalid_argument with file:line as its pointer.
  [[nodiscard]] virtual Result<std::optional<FileRow>> next() = 0;
  [[nodiscard]] virtual std::size_t bytes_read() const = 0;
};
// `name` is for messages. `in` must outlive the reader.
[[nodiscard]] std::unique_ptr<RowReader> make_row_reader(FileFormat format, std::istream& in,
                                                         std::string name);

// What a reader of the same format turns into the same row. `row` is an item of GET table.
[[nodiscard]] std::string file_header(FileFormat format);
[[nodiscard]] std::string file_row(FileFormat format, const json::Value& row);

}  // namespace mx2::ctl
