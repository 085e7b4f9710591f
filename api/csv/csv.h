// CSV as in IETF RFC 4180, lines ending in LF: what spreadsheets and other tools exchange.
#pragma once

#include <cstddef>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.h"

namespace mx2 {

// Lines of a stream, with their numbers, in bounded memory.
class LineReader {
 public:
  static constexpr std::size_t kLineBytesMax = 1U << 20U;

  explicit LineReader(std::istream& in) : in_(in) {}
  // The next line with its '\n' (the last may have none); nothing at the end. invalid_argument for
  // a line over kLineBytesMax or a stream that cannot be read.
  [[nodiscard]] Result<std::optional<std::string>> next();
  [[nodiscard]] std::size_t line() const { return line_; }         // number of the line given last
  [[nodiscard]] std::size_t bytes_read() const { return bytes_; }  // in all lines given

 private:
  bool fill();

  std::istream& in_;
  std::string buffer_;
  std::size_t position_ = 0;
  std::size_t line_ = 0;
  std::size_t bytes_ = 0;
};

struct CsvRecord {
  std::size_t line = 0;  // where it begins: a quoted field may span lines
  std::vector<std::string> fields;
};

// Records of a stream. Blank lines are skipped, a byte order mark at the start too; CRLF and LF
// both end a line. Spaces around a field belong to it only inside quotes.
class CsvReader {
 public:
  explicit CsvReader(std::istream& in);
  ~CsvReader();
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  // Nothing at the end. invalid_argument for stray or missing quotes and for records over 1 MiB;
  // line() says on which line the record at fault begins.
  [[nodiscard]] Result<std::optional<CsvRecord>> next();
  [[nodiscard]] std::size_t line() const;
  [[nodiscard]] std::size_t bytes_read() const { return lines_.bytes_read(); }

 private:
  struct Parser;

  Result<bool> feed();

  LineReader lines_;
  std::unique_ptr<Parser> parser_;
};

// One line with its '\n'. A field is quoted when it must be.
[[nodiscard]] std::string csv_line(const std::vector<std::string>& fields);

}  // namespace mx2
