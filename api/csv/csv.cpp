#include "api/csv/csv.h"

#include <csv.h>

#include <array>
#include <new>
#include <utility>

namespace mx2 {
namespace {

constexpr std::size_t kReadBytes = 64U * 1024;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// Spaces at the ends, too: many readers drop them outside quotes.
bool must_quote(std::string_view field) {
  if (field.empty()) return false;
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  return blank(field.front()) || blank(field.back()) ||
         field.find_first_of(",\"\r\n") != std::string_view::npos;
}

void append_field(std::string& line, std::string_view field) {
  if (!must_quote(field)) {
    line += field;
    return;
  }
  line += '"';
  for (const char c : field) {
    if (c == '"') line += '"';
    line += c;
  }
  line += '"';
}

}  // namespace

bool LineReader::fill() {
  std::array<char, kReadBytes> chunk;
  in_.read(chunk.data(), chunk.size());
  buffer_.erase(0, position_);
  position_ = 0;
  buffer_.append(chunk.data(), static_cast<std::size_t>(in_.gcount()));
  return in_.gcount() > 0;
}

Result<std::optional<std::string>> LineReader::next() {
  auto newline = buffer_.find('\n', position_);
  while (newline == std::string::npos) {
    const auto searched = buffer_.size() - position_;
    if (searched > kLineBytesMax) break;
    if (!fill()) break;
    newline = buffer_.find('\n', searched);
  }
  const auto end = newline == std::string::npos ? buffer_.size() : newline + 1;
  if (in_.bad()) return invalid_argument("cannot be read");
  if (end == position_) return std::optional<std::string>();
  ++line_;
  if (end - position_ > kLineBytesMax) return invalid_argument("the line is longer than 1 MiB");
  std::optional<std::string> line = buffer_.substr(position_, end - position_);
  position_ = end;
  bytes_ += line->size();
  return line;
}

// libcsv parses; its callbacks fill `open` and `ready`. Fed line by line, it shows on which line a
// record begins, and at most one record ends with a line.
struct CsvReader::Parser {
  csv_parser impl{};
  CsvRecord open;
  std::size_t open_bytes = 0;
  std::optional<CsvRecord> ready;

  Parser() {
    if (csv_init(&impl, CSV_STRICT | CSV_STRICT_FINI) != 0) throw std::bad_alloc();
    // Only LF ends a record. The CR before it counts as a space, which libcsv drops at the end of a
    // field; true spaces are kept, as RFC 4180 says.
    csv_set_term_func(&impl, [](unsigned char c) { return c == '\n' ? 1 : 0; });
    csv_set_space_func(&impl, [](unsigned char c) { return c == '\r' ? 1 : 0; });
  }
  ~Parser() { csv_free(&impl); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  static void on_field(void* text, std::size_t size, void* user) {
    static_cast<Parser*>(user)->open.fields.emplace_back(static_cast<const char*>(text), size);
  }
  static void on_record(int /*terminator*/, void* user) {
    auto& self = *static_cast<Parser*>(user);
    self.ready = std::exchange(self.open, {});
    self.open_bytes = 0;
  }
  bool parse(std::string_view text) {
    return csv_parse(&impl, text.data(), text.size(), on_field, on_record, this) == text.size();
  }
  bool finish() { return csv_fini(&impl, on_field, on_record, this) == 0; }
};

CsvReader::CsvReader(std::istream& in) : lines_(in), parser_(std::make_unique<Parser>()) {}
CsvReader::~CsvReader() = default;

std::size_t CsvReader::line() const {
  return parser_->open_bytes > 0 ? parser_->open.line : lines_.line();
}

// One line; false at the end of the stream.
Result<bool> CsvReader::feed() {
  auto& parser = *parser_;
  const auto line = lines_.next();
  if (!line) return line.error();
  if (!*line) {
    if (!parser.finish()) return invalid_argument("a quoted field has no end");
    return false;
  }
  std::string_view text = **line;
  if (lines_.line() == 1 && text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    text.remove_prefix(kByteOrderMark.size());
  }
  if (parser.open_bytes == 0) {
    if (is_blank(text)) return true;
    parser.open.line = lines_.line();
  }
  parser.open_bytes += text.size();
  if (!parser.parse(text)) return invalid_argument("a quote is at the wrong place");
  if (parser.open_bytes > LineReader::kLineBytesMax) {
    return invalid_argument("the record is longer than 1 MiB; is a quote missing?");
  }
  return true;
}

Result<std::optional<CsvRecord>> CsvReader::next() {
  for (auto& ready = parser_->ready;;) {
    const auto more = feed();
    if (!more) return more.error();
    if (ready || !*more) return std::exchange(ready, std::nullopt);
  }
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const auto& field : fields) {
    if (&field != &fields.front()) line += ',';
    append_field(line, field);
  }
  // A record of one empty field would be a blank line, which readers skip.
  if (fields.size() == 1 && line.empty()) line = "\"\"";
  return line + '\n';
}

}  // namespace mx2
