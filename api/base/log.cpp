#include "api/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <cmath>
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

std::string& program_name() {
  static std::string name;
  return name;
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

// Bytes of the code point that `text` begins with (RFC 3629); 0: it begins with none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80U) return 1;
  const std::size_t length = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : 2;
  if (lead < 0xC2U || lead > 0xF4U) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  // Overlong forms, surrogates, and what is above U+10FFFF.
  const unsigned next = byte(1);
  const bool wrong = (lead == 0xE0U && next < 0xA0U) || (lead == 0xEDU && next > 0x9FU) ||
                     (lead == 0xF0U && next < 0x90U) || (lead == 0xF4U && next > 0x8FU);
  return wrong ? 0 : length;
}

void append_json(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto length = utf8_length(text);
    length > 0 ? append_escaped(out, text.substr(0, length)) : void(out += "\xEF\xBF\xBD");
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  out += '"';
}

struct LogText {
  std::string operator()(const std::string& text) const { return text; }
  std::string operator()(bool is) const { return is ? "true" : "false"; }
  std::string operator()(std::int64_t number) const { return std::to_string(number); }
  std::string operator()(std::uint64_t number) const { return std::to_string(number); }
  std::string operator()(double number) const { return std::to_string(number); }
  std::string operator()(Decimals some) const {
    return fmt::format("{:.{}f}", some.number, some.digits);
  }
};

// JSON has no infinities.
std::string json_number(double number, const std::string& text) {
  return std::isfinite(number) ? text : "null";
}

void append_json(std::string& out, const Value& value) {
  const auto& held = value.get();
  if (const auto* text = std::get_if<std::string>(&held)) {
    append_json(out, std::string_view(*text));
  } else if (const auto* number = std::get_if<double>(&held)) {
    out += json_number(*number, fmt::format("{}", *number));
  } else if (const auto* some = std::get_if<Decimals>(&held)) {
    out += json_number(some->number, LogText()(*some));
  } else {
    out += std::visit(LogText(), held);
  }
}

std::string timestamp() { return format_utc(SystemClock().now_ms()); }

std::string json_line(std::string_view level, std::string_view message, Fields fields) {
  std::string line = R"({"time":")" + timestamp() + R"(","level":")" + std::string(level) + '"';
  const auto add = [&line](std::string_view name, const auto& value) {
    line += ',';
    append_json(line, name);
    line += ':';
    append_json(line, value);
  };
  if (!program_name().empty()) add("program", std::string_view(program_name()));
  add("message", message);
  for (const auto& [name, value] : fields) add(name, value);
  return line + '}';
}

std::string text_line(std::string_view level, std::string_view message, Fields fields) {
  std::string line = fmt::format("{} {:<5} {}", timestamp(), level, message);
  for (const auto& [name, value] : fields) {
    line.append(" ").append(name).append("=");
    const auto text = std::visit(LogText(), value.get());
    const bool quote = text.empty() || text.find_first_of(" \"=") != std::string::npos;
    quote ? append_quoted(line, text) : append_escaped(line, text);
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

void configure(const std::string& level, Format format, const std::string& program) {
  if (!program.empty()) program_name() = program;
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
