// The orchestrator's operator API (api/openapi/operator.yaml) as programs call it: one call at a
// time, blocking, paths below /operator/v1. Access is the http::Client's (access.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/http/http_client.h"
#include "api/json/json.h"

namespace mx2 {

class OperatorCalls {
 public:
  // `http` must outlive this; `url` is the orchestrator's. Threads: as the client.
  OperatorCalls(http::Client& http, std::string url) : http_(http), url_(std::move(url)) {}

  // Whatever status the answer has; errors are the client's.
  [[nodiscard]] Result<http::Reply> ask(const std::string& method, const std::string& path,
                                        const http::Headers& headers = {},
                                        const std::string& body = "");
  // The object that is answered; errors as of document_of().
  [[nodiscard]] Result<json::Value> get(const std::string& path);

  // The JSON object of a reply with status 200. An error if there is no reply, as refused() if it
  // has another status, as strange() if it is none.
  [[nodiscard]] static Result<json::Value> document_of(const std::string& path,
                                                       const Result<http::Reply>& reply);
  // The error of a reply's status, with what its problem document says.
  [[nodiscard]] static Error refused(const std::string& path, const http::Reply& reply);
  // kInternal: an answer that our orchestrator would not give.
  [[nodiscard]] static Error strange(const std::string& path);

 private:
  http::Client& http_;
  std::string url_;
};

// A member of an object; nothing if it is absent or something else.
[[nodiscard]] std::optional<std::uint64_t> number_of(const json::Value& object, const char* member);

}  // namespace mx2
