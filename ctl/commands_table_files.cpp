// mx2ctl table import and export.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "ctl/commands.h"
#include "ctl/row_file.h"
#include "ctl/table_import.h"

namespace mx2::ctl {
namespace {

namespace fs = std::filesystem;

struct FileArguments {
  std::string file;
  std::string format;
  std::string app;
  std::size_t batch = 5000;
  bool progress = false;
};

Result<FileFormat> format_of_file(const FileArguments& arguments) {
  if (arguments.format == "csv") return FileFormat::kCsv;
  if (arguments.format == "ndjson") return FileFormat::kNdjson;
  const auto format = format_of(arguments.file);
  if (format) return *format;
  return usage_error("say --format csv or --format ndjson", arguments.file);
}

ProgressStyle progress_style(const FileArguments& arguments) {
  if (isatty(STDERR_FILENO) != 0) return ProgressStyle::kTerminal;
  return arguments.progress ? ProgressStyle::kLines : ProgressStyle::kNone;
}

void report(Session& session, const std::string& what, std::uint64_t rows, std::int64_t ms) {
  if (session.format == Format::kTable) {
    session.out << rows << (rows == 1 ? " row " : " rows ") << what << " in "
                << std::to_string(ms / 1000) << '.' << std::to_string(ms % 1000 / 100) << " s\n";
    return;
  }
  const json::Value item{{"rows", rows}, {"milliseconds", ms}};
  write_item(session.format, session.out,
             {member("rows", "rows"), member("milliseconds", "milliseconds")}, item);
}

Result<int> import_table(Session& session, const FileArguments& arguments) {
  const auto format = format_of_file(arguments);
  if (!format) return format.error();
  const bool standard_input = arguments.file == "-";
  std::ifstream stream;
  if (!standard_input) stream.open(arguments.file, std::ios::binary);
  if (!stream) return usage_error("cannot be opened", arguments.file);
  std::error_code not_regular;  // a pipe has no size, and so no ETA
  const auto size = standard_input ? 0 : fs::file_size(arguments.file, not_regular);
  const auto name = standard_input ? std::string("<stdin>") : arguments.file;
  const auto rows = make_row_reader(*format, standard_input ? session.in : stream, name);
  const SteadyClock clock;
  Progress progress(session.err, progress_style(arguments), clock,
                    not_regular ? 0 : static_cast<std::size_t>(size));
  TableImport import(session.server, *rows, name, arguments.batch, progress);
  const auto applied = import.run();
  progress.finish();
  if (!applied) return applied.error();
  report(session, "imported", *applied, progress.elapsed_ms());
  return 0;
}

Result<std::uint64_t> write_rows(Session& session, std::ostream& out, FileFormat format,
                                 const std::string& app) {
  std::uint64_t rows = 0;
  out << file_header(format);
  const auto listed = session.server.list("/table", {{"app", app}}, 0, [&](const json::Value& row) {
    out << file_row(format, row);
    ++rows;
    return out.good();
  });
  if (!listed) return listed.error();
  return rows;
}

// The file appears whole or not at all; what is no regular file (/dev/stdout) is written as it is.
Result<std::uint64_t> write_file(Session& session, const FileArguments& arguments,
                                 FileFormat format) {
  std::error_code ignored;
  const bool special =
      fs::exists(arguments.file, ignored) && !fs::is_regular_file(arguments.file, ignored);
  const auto path = special ? arguments.file : arguments.file + ".part";
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) return usage_error("cannot be written", path);
  auto rows = write_rows(session, file, format, arguments.app);
  file.close();
  std::error_code error;
  if (rows.ok() && file.good() && !special) fs::rename(path, arguments.file, error);
  const bool written = file.good() && !error;
  if (!special && (!rows || !written)) fs::remove(path, ignored);
  if (rows.ok() && !written) return usage_error("cannot be written", arguments.file);
  return rows;
}

Result<int> export_table(Session& session, const FileArguments& arguments) {
  const auto format = format_of_file(arguments);
  if (!format) return format.error();
  if (arguments.file == "-") {
    const auto rows = write_rows(session, session.out, *format, arguments.app);
    if (!rows) return rows.error();
    return 0;
  }
  const SteadyClock clock;
  const auto start_ms = clock.now_ms();
  const auto rows = write_file(session, arguments, *format);
  if (!rows) return rows.error();
  report(session, "exported", *rows, clock.now_ms() - start_ms);
  return 0;
}

void add_file(CLI::App& command, FileArguments& arguments) {
  command.add_option("FILE", arguments.file, "- is the standard stream")->required();
  command.add_option("--format", arguments.format, "By default what the file's name ends in")
      ->check(CLI::IsMember({"csv", "ndjson"}));
}

}  // namespace

void add_table_file_commands(const Menu& table) {
  const auto [import_rows, imported] = table.add<FileArguments>(
      "import", "Write the rows of a file; of two lines for one row the later counts",
      import_table);
  add_file(import_rows, imported);
  import_rows.add_option("--batch", imported.batch, "Rows applied at once, all or none")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  import_rows.add_flag("--progress", imported.progress, "Say how it goes, also without a terminal");

  const auto [export_rows, exported] =
      table.add<FileArguments>("export", "Write rows to a file that import can read", export_table);
  add_file(export_rows, exported);
  export_rows.add_option("--app", exported.app, "Only rows of this appDId")->type_name("APP");
}

}  // namespace mx2::ctl
