// Requests of a CurlMulti, and what came back.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "api/http/async_client.h"
#include "tests/catch.h"

namespace mx2::test {

struct Caller {
  explicit Caller(const http::AsyncClientOptions& options = {}) : client(options) {}

  // Begins a POST; its result comes to `results` under its number.
  void post(const std::string& url, const http::Headers& headers = {},
            const std::string& body = "{}", bool anywhere = false) {
    const auto n = begun++;
    http::OutgoingRequest request{"POST", url, headers, body};
    request.may_go_anywhere = anywhere;
    client.begin(std::move(request), [this, n](Result<http::Reply> reply) {
      results.emplace_back(n, std::move(reply));
    });
  }
  // Polls until all have come back; false when they do not.
  bool finish() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (results.size() < begun && std::chrono::steady_clock::now() < deadline) client.poll(100);
    return results.size() == begun;
  }
  Result<http::Reply> one(const std::string& url, const http::Headers& headers = {}) {
    post(url, headers);
    if (!finish()) return internal("no answer at all");
    return results.back().second;
  }

  http::CurlMulti client;
  std::size_t begun = 0;
  std::vector<std::pair<std::size_t, Result<http::Reply>>> results;
};

inline ErrorCode code_of(const Result<http::Reply>& result) {
  REQUIRE_FALSE(result.ok());
  return result.error().code;
}

}  // namespace mx2::test
