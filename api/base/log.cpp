#include "api/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>

#include "api/base/clock.h"

namespace mx2::log {
namespace {

std::shared_ptr<spdlog::logger> make_logger() {
  auto logger =
      std::make_shared<spdlog::logger>("mx2", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%v");
  logger->flush_on(spdlog::level::info);
  return logger;
}

std::atomic<bool>& json_lines() {
  static std::atomic<bool> chosen{false};
  return chosen;
}

spdlog::logger& logger() {
  static const auto kInstance = make_logger();
  return *kInstance;
}

// JSON string escapes are also good for the text form: no quote, newline or control byte survives.
void append_escaped(std::string& out, std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7F) {
      out += {'\\', 'u', '0', '0', kDigits[byte >> 4U], kDigits[byte & 0xFU]};
    } else {
      out += c;
    }
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

std::string timestamp() { return format_utc(SystemClock().now_ms()); }

std::string json_line(std::string_view level, std::string_view message, Fields fields) {
  std::string line =
      R"({"time":")" + timestamp() + R"(","level":")" + std::string(level) + R"(","message":)";
  append_quoted(line, message);
  for (const auto& [name, value] : fields) {
    line += ',';
    append_quoted(line, name);
    line += ':';
    append_quoted(line, value);
  }
  return line + '}';
}

std::string text_line(std::string_view level, std::string_view message, Fields fields) {
  std::string line = fmt::format("{} {:<5} {}", timestamp(), level, message);
  for (const auto& [name, value] : fields) {
    line.append(" ").append(name).append("=");
    const bool quote = value.empty() || value.find_first_of(" \"=") != std::string::npos;
    quote ? append_quoted(line, value) : append_escaped(line, value);
  }
  return line;
}

void write(spdlog::level::level_enum level, std::string_view name, std::string_view message,
           Fields fields) {
  if (!logger().should_log(level)) return;
  logger().log(level,
               json_lines() ? json_line(name, message, fields) : text_line(name, message, fields));
}

}  // namespace

void configure(const std::string& level, Format format) {
  json_lines() = format == Format::kJson;
  logger().set_level(spdlog::level::from_str(level == "warn" ? "warning" : level));
}

bool debug_enabled() { return logger().should_log(spdlog::level::debug); }

void debug(std::string_view message, Fields fields) {
  write(spdlog::level::debug, "debug", message, fields);
}
void info(std::string_view message, Fields fields) {
  write(spdlog::level::info, "info", message, fields);
}
void warn(std::string_view message, Fields fields) {
  write(spdlog::level::warn, "warn", message, fields);
}
void error(std::string_view message, Fields fields) {
  write(spdlog::level::err, "error", message, fields);
}

}  // namespace mx2::log
