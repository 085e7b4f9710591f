// Structured logs. One call is one line: a fixed message and named fields.
//   log::info("context created", {{"context", id}, {"rows", rows}});
// Text: 2026-01-31T12:00:00.250Z info  context created context=… rows=3
// JSON: {"time":"…","level":"info","program":"mx2-orchestrator","message":"context created",
//        "context":"…","rows":3}
// In JSON, numbers and booleans are what they are, and bytes that are no UTF-8 become U+FFFD. The
// names time, level, program and message are taken: no field has one of them, or that of another.
// Values are escaped, so a hostile name cannot forge a line. Request bodies are never logged.
// Callable from any thread. Configured once at start-up.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace mx2::log {

enum class Format { kText, kJson };

// A number that is written with so many decimals.
struct Decimals {
  double number = 0;
  int digits = 0;
};

// A text, a number or a boolean, of whatever type it is.
class Value {
 public:
  template <typename Text>
  requires std::convertible_to<Text, std::string_view> Value(const Text& text)
      : held_(std::string(std::string_view(text))) {}  // NOLINT(google-explicit-constructor)
  template <typename Number>
  requires(std::integral<Number> || std::floating_point<Number>) Value(Number number)
      : held_(held(number)) {}               // NOLINT(google-explicit-constructor)
  Value(Decimals number) : held_(number) {}  // NOLINT(google-explicit-constructor)

  using Held = std::variant<std::string, bool, std::int64_t, std::uint64_t, double, Decimals>;
  [[nodiscard]] const Held& get() const { return held_; }

 private:
  template <typename Number>
  static Held held(Number number) {
    if constexpr (std::same_as<Number, bool>) return number;
    if constexpr (std::floating_point<Number>) return static_cast<double>(number);
    if constexpr (std::signed_integral<Number>) return static_cast<std::int64_t>(number);
    return static_cast<std::uint64_t>(number);
  }
  Held held_;
};
using Fields = std::initializer_list<std::pair<std::string_view, Value>>;

// level: debug, info, warn, error, off. Lines go to standard error; those in JSON name the program.
// Before any other thread logs.
void configure(const std::string& level, Format format, const std::string& program = {});
[[nodiscard]] bool debug_enabled();

void debug(std::string_view message, Fields fields = {});
void info(std::string_view message, Fields fields = {});
void warn(std::string_view message, Fields fields = {});
void error(std::string_view message, Fields fields = {});

}  // namespace mx2::log
