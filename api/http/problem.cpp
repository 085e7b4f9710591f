#include "api/http/problem.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace mx2::http {
namespace {

struct Row {
  ErrorCode code;
  int status;
  const char* cause;
};

constexpr Row kInternalRow{ErrorCode::kInternal, 500, "internal"};
constexpr std::array<Row, 17> kTable{{
    {ErrorCode::kInvalidArgument, 400, "invalid-argument"},
    {ErrorCode::kUnauthorized, 401, "unauthorized"},
    {ErrorCode::kForbidden, 403, "forbidden"},
    {ErrorCode::kNotFound, 404, "not-found"},
    {ErrorCode::kMethodNotAllowed, 405, "method-not-allowed"},
    {ErrorCode::kConflict, 409, "conflict"},
    {ErrorCode::kGone, 410, "gone"},
    {ErrorCode::kPreconditionFailed, 412, "precondition-failed"},
    {ErrorCode::kTooLarge, 413, "too-large"},
    {ErrorCode::kUriTooLong, 414, "uri-too-long"},
    {ErrorCode::kUnsupportedMediaType, 415, "unsupported-media-type"},
    {ErrorCode::kRangeNotSatisfiable, 416, "range-not-satisfiable"},
    {ErrorCode::kTooMany, 429, "too-many-requests"},
    {ErrorCode::kHeadersTooLarge, 431, "headers-too-large"},
    kInternalRow,
    {ErrorCode::kUnavailable, 503, "unavailable"},
    {ErrorCode::kDeadlineExceeded, 504, "deadline-exceeded"},
}};

const Row& row_of(ErrorCode code) {
  const auto* row =
      std::find_if(kTable.begin(), kTable.end(), [&](const Row& r) { return r.code == code; });
  return row == kTable.end() ? kInternalRow : *row;
}

}  // namespace

int status_of(ErrorCode code) { return row_of(code).status; }

ErrorCode code_of(int status) {
  const auto* row =
      std::find_if(kTable.begin(), kTable.end(), [&](const Row& r) { return r.status == status; });
  return row == kTable.end() ? ErrorCode::kInternal : row->code;
}

const char* reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Internal Server Error";
  }
}

Reply problem_reply(int status, const std::string& cause, const std::string& detail) {
  const nlohmann::json document = {{"type", "urn:mx2:problem:" + cause},
                                   {"title", reason_phrase(status)},
                                   {"status", status},
                                   {"detail", detail}};
  return {status,
          "application/problem+json",
          document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
          {},
          false};
}

Reply problem_reply(const Error& error) {
  const Row& row = row_of(error.code);
  auto reply =
      problem_reply(row.status, error.cause.empty() ? row.cause : error.cause,
                    error.pointer.empty() ? error.detail : error.pointer + ": " + error.detail);
  if (error.retry_after_s > 0) {
    reply.headers.emplace_back("Retry-After", std::to_string(error.retry_after_s));
  }
  return reply;
}

}  // namespace mx2::http
