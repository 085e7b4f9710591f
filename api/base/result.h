// Result<T>: how one module tells another that something did not work.
//
// Every function that can fail for a reason its caller must handle returns a Result. Exceptions are
// for bugs and stop at the adapters (HTTP server, store, configuration reader). An Error carries
// what the peer may know (`detail`, `pointer`, `cause`) apart from what only the log may know
// (`internal_text`); api/http/problem.h turns the first part into a problem document.
// Source: the error table is IETF RFC 7807 as profiled by ETSI GS MEC 009.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace mx2 {

enum class ErrorCode : std::uint8_t {
  kInvalidArgument,
  kUnauthorized,
  kForbidden,
  kNotFound,
  kMethodNotAllowed,
  kUnsupportedMediaType,
  kTooLarge,
  kUriTooLong,
  kHeadersTooLarge,
  kConflict,
  kPreconditionFailed,
  kRangeNotSatisfiable,
  kGone,
  kTooMany,
  kUnavailable,
  kDeadlineExceeded,
  kInternal,
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string detail;   // for the peer: what is wrong, in a sentence
  std::string pointer;  // JSON pointer, or file:line:column; empty when it is not about a place
  std::string cause;    // short machine-readable slug, e.g. "no-host"; empty = by code
  std::string internal_text;  // for the log only, never sent
  int retry_after_s = 0;      // > 0: the peer may try again after this many seconds
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] const T& value() const& { return std::get<T>(state_); }
  [[nodiscard]] T& value() & { return std::get<T>(state_); }
  [[nodiscard]] T&& value() && { return std::get<T>(std::move(state_)); }
  [[nodiscard]] const Error& error() const { return std::get<Error>(state_); }

  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

// The errors that most code needs, one short call each; the first makes any other.
inline Error refused_as(ErrorCode code, std::string detail, std::string cause = {},
                        int retry_after_s = 0) {
  return {code, std::move(detail), {}, std::move(cause), {}, retry_after_s};
}
inline Error invalid_argument(std::string detail, std::string pointer = {}) {
  return {ErrorCode::kInvalidArgument, std::move(detail), std::move(pointer), {}, {}, 0};
}
inline Error not_found(std::string detail) {
  return refused_as(ErrorCode::kNotFound, std::move(detail));
}
inline Error forbidden(std::string cause, std::string detail) {
  return refused_as(ErrorCode::kForbidden, std::move(detail), std::move(cause));
}
inline Error conflict(std::string detail) {
  return refused_as(ErrorCode::kConflict, std::move(detail));
}
inline Error precondition_failed(std::string detail) {
  return refused_as(ErrorCode::kPreconditionFailed, std::move(detail));
}
inline Error gone(std::string detail) { return refused_as(ErrorCode::kGone, std::move(detail)); }
inline Error unavailable(std::string detail, std::string internal_text = {}) {
  return {ErrorCode::kUnavailable, std::move(detail), {}, {}, std::move(internal_text), 1};
}
inline Error internal(std::string internal_text) {
  return {ErrorCode::kInternal, "internal error", {}, {}, std::move(internal_text), 0};
}

}  // namespace mx2
