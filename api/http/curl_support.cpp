#include "api/http/curl_support.h"

#include <new>
#include <system_error>

#include "api/http/http_client.h"

namespace mx2::http::curl {

void add(List& list, const std::string& line) {
  auto* grown = curl_slist_append(list.get(), line.c_str());
  if (grown == nullptr) throw std::bad_alloc();
  static_cast<void>(list.release());
  list.reset(grown);
}

bool one_line(const std::string& text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos;
}

Result<List> header_list(const Headers& headers) {
  List list(nullptr, &curl_slist_free_all);
  // libcurl would wait for 100 Continue before a large body; the servers of this API never refuse
  // one by its head.
  add(list, "Expect:");
  for (const auto& [name, value] : headers) {
    if (!one_line(name) || !one_line(value)) {
      return invalid_argument("header '" + name + "' has a line break");
    }
    // "Name:" would take a header away.
    add(list, value.empty() ? name + ";" : name + ": " + value);
  }
  return list;
}

int status_of(CURL* handle) {
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

bool was_sent(CURL* handle) {
  long bytes = 0;
  curl_easy_getinfo(handle, CURLINFO_REQUEST_SIZE, &bytes);
  return bytes > 0;
}

Error unreachable(ErrorCode code, std::string detail) {
  return refused_as(code, std::move(detail), kUnreachable);
}

namespace {

// Of the connection that could not be had, as the system puts it.
std::string system_reason(CURL* handle) {
  long number = 0;
  curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &number);
  return number == 0 ? "" : ": " + std::generic_category().message(static_cast<int>(number));
}

std::string broken_exchange(CURL* handle, CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return "the name of the host cannot be resolved";
    case CURLE_COULDNT_CONNECT: return "cannot connect" + system_reason(handle);
    case CURLE_GOT_NOTHING: return "the connection was closed without an answer";
    case CURLE_PEER_FAILED_VERIFICATION: return "the certificate of the peer is not trusted";
    case CURLE_SSL_CACERT_BADFILE: return "the file of trusted certificates cannot be read";
    case CURLE_SSL_CERTPROBLEM: return "our certificate or its key cannot be used";
    case CURLE_SSL_CONNECT_ERROR: return "no TLS could be agreed on";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE: return "the connection broke";
    default: return "the exchange failed (code " + std::to_string(code) + ")";
  }
}

Error error_in_words(CURL* handle, CURLcode code) {
  if (code == CURLE_UNSUPPORTED_PROTOCOL && was_sent(handle)) {  // not of the URL: of the reply
    return unreachable(ErrorCode::kUnavailable, "no HTTP came back");
  }
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT: return invalid_argument("no http or https URL");
    case CURLE_OPERATION_TIMEDOUT:
      return unreachable(ErrorCode::kDeadlineExceeded, "no answer in time");
    default: return unreachable(ErrorCode::kUnavailable, broken_exchange(handle, code));
  }
}

}  // namespace

Error error_of(CURL* handle, CURLcode code, const char* error_text) {
  auto error = error_in_words(handle, code);
  error.internal_text = *error_text != '\0' ? error_text : curl_easy_strerror(code);
  return error;
}

}  // namespace mx2::http::curl
