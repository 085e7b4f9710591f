// libcurl's lists and errors. Private to api/http.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

#include "api/base/result.h"
#include "api/http/http.h"

namespace mx2::http::curl {

using List = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

// Throws std::bad_alloc.
void add(List& list, const std::string& line);

// Whether libcurl can be given `text`: no line break and no NUL.
[[nodiscard]] bool one_line(const std::string& text);

// For CURLOPT_HTTPHEADER; an empty list never. invalid_argument for a header with a line break.
[[nodiscard]] Result<List> header_list(const Headers& headers);

[[nodiscard]] int status_of(CURL* handle);
// Whether bytes of the last request may have reached the peer.
[[nodiscard]] bool was_sent(CURL* handle);

// The errors of http_client.h, in our words, as they may end up in an answer to somebody else;
// libcurl's are for the log.
[[nodiscard]] Error unreachable(ErrorCode code, std::string detail);
[[nodiscard]] Error error_of(CURL* handle, CURLcode code, const char* error_text);

}  // namespace mx2::http::curl
