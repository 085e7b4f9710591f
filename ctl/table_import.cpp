#include "ctl/table_import.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "api/operator/codec.h"

namespace mx2::ctl {
namespace {

constexpr std::size_t kBatchBytesMax = 8U * 1024 * 1024;  // half of what a server takes by default

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(seconds));
  if (whole < 120) return std::to_string(whole) + " s";
  return std::to_string((whole + 59) / 60) + " min";
}

// "line 7 /targets: …" -> 7; 0 when the text does not begin so.
std::size_t line_in(std::string_view detail) {
  constexpr std::string_view kPrefix = "line ";
  std::size_t line = 0;
  if (detail.starts_with(kPrefix)) {
    std::from_chars(detail.data() + kPrefix.size(), detail.data() + detail.size(), line);
  }
  return line;
}

}  // namespace

std::string progress_text(std::uint64_t rows, std::int64_t elapsed_ms, std::size_t bytes,
                          std::size_t bytes_total) {
  const auto seconds = static_cast<double>(std::max<std::int64_t>(elapsed_ms, 1)) / 1000;
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(rows) / seconds);
  auto text = std::to_string(rows) + " rows  " + std::to_string(rate) + " rows/s";
  if (bytes_total == 0 || bytes == 0) return text;
  const auto done = std::min(1.0, static_cast<double>(bytes) / static_cast<double>(bytes_total));
  text += "  " + std::to_string(static_cast<int>(done * 100)) + " %";
  return text + "  ETA " + duration_text(seconds * (1 - done) / done);
}

Progress::Progress(std::ostream& out, ProgressStyle style, const SteadyClock& clock,
                   std::size_t bytes_total)
    : out_(out),
      style_(style),
      clock_(clock),
      bytes_total_(bytes_total),
      start_ms_(clock.now_ms()),
      shown_ms_(start_ms_) {}

void Progress::update(std::uint64_t rows, std::size_t bytes) {
  const std::int64_t interval_ms = style_ == ProgressStyle::kTerminal ? 200 : 2000;
  const auto now = clock_.now_ms();
  if (style_ == ProgressStyle::kNone || now - shown_ms_ < interval_ms) return;
  shown_ms_ = now;
  const auto text = progress_text(rows, now - start_ms_, bytes, bytes_total_);
  line_open_ = style_ == ProgressStyle::kTerminal;
  out_ << (line_open_ ? "\r\x1b[K" : "") << text << (line_open_ ? "" : "\n") << std::flush;
}

void Progress::finish() {
  if (line_open_) out_ << "\r\x1b[K" << std::flush;
  line_open_ = false;
}

TableImport::TableImport(OperatorClient& server, RowReader& rows, std::string name,
                         std::size_t batch_rows, Progress& progress)
    : server_(server),
      rows_(rows),
      name_(std::move(name)),
      batch_rows_(batch_rows),
      progress_(progress) {}

Result<std::uint64_t> TableImport::run() {
  for (;;) {
    const auto row = rows_.next();
    if (!row) return located(row.error());
    if (*row) add(**row);
    const bool full = lines_taken_ == batch_rows_ || batch_bytes_ >= kBatchBytesMax;
    if (!batch_.empty() && (!*row || full)) {
      if (auto sent = send(); !sent) return located(sent.error());
    }
    if (!*row) return applied_;
  }
}

void TableImport::add(const FileRow& row) {
  const auto& change = row.change;
  Line line{codec::encode_table_change(change), row.line,
            "row (" + change.row.ue.text() + ", " + change.row.app_d_id + "): "};
  batch_bytes_ += line.text.size();
  ++lines_taken_;
  const auto [it, fresh] = place_of_.emplace(line.key, batch_.size());
  if (fresh) {
    batch_.push_back(std::move(line));
  } else {
    batch_[it->second] = std::move(line);
  }
}

Result<void> TableImport::send() {
  std::string body;
  body.reserve(batch_bytes_);
  for (const auto& line : batch_) body += line.text;
  if (auto sent = server_.patch_table(body); !sent) return sent.error();
  applied_ += lines_taken_;
  batch_.clear();
  place_of_.clear();
  batch_bytes_ = 0;
  lines_taken_ = 0;
  progress_.update(applied_, rows_.bytes_read());
  return {};
}

// The server names the line of the PATCH or the row it refused; either leads back to the file.
Error TableImport::located(Error error) const {
  const auto applied =
      std::to_string(applied_) + (applied_ == 1 ? " row was" : " rows were") + " applied before";
  if (error.pointer.empty() && !batch_.empty()) {
    const auto [first, last] = std::minmax_element(
        batch_.begin(), batch_.end(), [](const Line& a, const Line& b) { return a.line < b.line; });
    error.pointer = name_ + ":" + std::to_string(first->line) + "-" + std::to_string(last->line);
    const auto number = line_in(error.detail);
    if (number > 0 && number <= batch_.size()) {
      error.pointer = name_ + ":" + std::to_string(batch_[number - 1].line);
    }
    for (const auto& line : batch_) {
      if (error.detail.starts_with(line.key)) {
        error.pointer = name_ + ":" + std::to_string(line.line);
      }
    }
  }
  error.detail +=
      error.cause == http::kUnreachable ? " (" + applied + "; these may be)" : " (" + applied + ")";
  return error;
}

}  // namespace mx2::ctl
