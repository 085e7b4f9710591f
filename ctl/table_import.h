// Writes a file of rows into the table, batch by batch.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/base/clock.h"
#include "api/base/result.h"
#include "ctl/operator_client.h"
#include "ctl/row_file.h"

namespace mx2::ctl {

// "12000 rows  4000 rows/s  23 %  ETA 10 s"; without the last two when `bytes_total` is 0, as it is
// for a pipe.
[[nodiscard]] std::string progress_text(std::uint64_t rows, std::int64_t elapsed_ms,
                                        std::size_t bytes, std::size_t bytes_total);

enum class ProgressStyle { kNone, kTerminal /* one line, overwritten */, kLines };

class Progress {
 public:
  Progress(std::ostream& out, ProgressStyle style, const SteadyClock& clock,
           std::size_t bytes_total);
  // Shows it, several times a second on a terminal, every two seconds otherwise.
  void update(std::uint64_t rows, std::size_t bytes);
  // Leaves the terminal's line free for what comes next.
  void finish();
  [[nodiscard]] std::int64_t elapsed_ms() const { return clock_.now_ms() - start_ms_; }

 private:
  std::ostream& out_;
  const ProgressStyle style_;
  const SteadyClock& clock_;
  const std::size_t bytes_total_;
  const std::int64_t start_ms_;
  std::int64_t shown_ms_;
  bool line_open_ = false;
};

// Reads, checks and sends in bounded memory. A batch is applied whole or not at all; the first
// thing that is wrong ends the import, and its Error says where and how many rows are in the table
// by then. Of two lines for the same row the later one counts, whatever the batch size.
class TableImport {
 public:
  TableImport(OperatorClient& server, RowReader& rows, std::string name, std::size_t batch_rows,
              Progress& progress);
  // Rows applied.
  [[nodiscard]] Result<std::uint64_t> run();

 private:
  struct Line {
    std::string text;
    std::size_t line = 0;
    std::string key;  // as the server names the row in a refusal
  };

  void add(const FileRow& row);
  [[nodiscard]] Result<void> send();
  [[nodiscard]] Error located(Error error) const;

  OperatorClient& server_;
  RowReader& rows_;
  const std::string name_;
  const std::size_t batch_rows_;
  Progress& progress_;
  std::vector<Line> batch_;
  std::unordered_map<std::string, std::size_t> place_of_;  // key -> index in batch_
  std::size_t batch_bytes_ = 0;
  std::size_t lines_taken_ = 0;  // of the batch, with those that others replaced
  std::uint64_t applied_ = 0;
};

}  // namespace mx2::ctl
