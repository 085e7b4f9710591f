// Structured logs. One call is one line: a fixed message and named fields.
//   log::info("context created", {{"context", id}, {"host", host}});
// Text: 2026-01-31T12:00:00.250Z info  context created context=… host=…
// JSON: {"time":"…","level":"info","message":"context created","context":"…","host":"…"}
// Values are escaped, so a hostile name cannot forge a line. Request bodies are never logged.
// Callable from any thread. Configured once at start-up.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace mx2::log {

enum class Format { kText, kJson };
using Fields = std::initializer_list<std::pair<std::string_view, std::string>>;

// level: debug, info, warn, error, off. Lines go to standard error.
void configure(const std::string& level, Format format);
[[nodiscard]] bool debug_enabled();

void debug(std::string_view message, Fields fields = {});
void info(std::string_view message, Fields fields = {});
void warn(std::string_view message, Fields fields = {});
void error(std::string_view message, Fields fields = {});

}  // namespace mx2::log
