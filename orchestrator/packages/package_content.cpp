#include "orchestrator/packages/package_content.h"

#include "api/archive/archive.h"
#include "api/base/text.h"
#include "api/http/problem.h"

namespace mx2 {
namespace {

constexpr int kOk = 200;

Error too_large(std::size_t bytes_max) {
  return refused_as(ErrorCode::kTooLarge,
                    "the package is larger than " + std::to_string(bytes_max) + " bytes",
                    "too-large");
}

// What libcurl says may carry addresses of our network; operators may know them.
Error unreachable(const Error& error) {
  const bool slow = error.code == ErrorCode::kDeadlineExceeded;
  return refused_as(error.code, "appPkgPath: " + error.detail,
                    slow ? "source-slow" : "source-unreachable");
}

}  // namespace

Result<void> fetch_package(http::CurlClient& client, const std::string& uri,
                           const FetchLimits& limits, IncomingFile& into) {
  std::optional<Error> error;
  http::StreamSink sink;
  sink.on_head = [&](const http::Reply& head) {
    if (head.status != kOk) {
      error = refused_as(ErrorCode::kInvalidArgument,
                         "appPkgPath answers with status " + std::to_string(head.status),
                         "source-refused");
      return false;
    }
    for (const auto& [name, value] : head.headers) {
      const auto bytes =
          equals_ignoring_case(name, "Content-Length") ? parse_uint(value) : std::nullopt;
      if (bytes && *bytes > limits.bytes_max) error = too_large(limits.bytes_max);
    }
    return !error;
  };
  sink.on_data = [&](std::string_view bytes) {
    if (bytes.size() > limits.bytes_max - into.size()) {
      error = too_large(limits.bytes_max);
    } else if (auto written = into.write(bytes); !written) {
      error = written.error();
      error->cause = "storage";
    }
    return !error;
  };
  const auto reply = client.stream(uri, {{"Accept", "application/zip, */*"}}, sink, limits.idle_ms,
                                   limits.timeout_ms);
  if (error) return *error;
  if (!reply) return unreachable(reply.error());
  return {};
}

Result<void> check_digest(const std::string& expected, const std::string& found) {
  if (expected.empty() || expected == found) return {};
  return refused_as(ErrorCode::kInvalidArgument, "the SHA-256 of the content is " + found,
                    "wrong-checksum");
}

Result<std::string> read_descriptor(const std::string& path) {
  auto text = archive::read_member(path, kDescriptorName, kDescriptorBytesMax);
  if (text.ok() || text.error().code != ErrorCode::kNotFound) return text;
  return refused_as(ErrorCode::kInvalidArgument,
                    std::string("the package has no ") + kDescriptorName, "no-descriptor");
}

Result<AppDescriptor> examine_package(const std::string& path) {
  const auto text = read_descriptor(path);
  if (!text) return text.error();
  auto descriptor = codec::decode_app_descriptor(*text);
  if (descriptor.ok()) return descriptor;
  auto error = descriptor.error();
  error.cause = "bad-descriptor";
  error.detail = std::string(kDescriptorName) + error.pointer + ": " + error.detail;
  error.pointer.clear();
  return error;
}

OnboardingFailure failure_of(const Error& error) {
  return {error.cause.empty() ? "invalid-argument" : error.cause,
          error.pointer.empty() ? error.detail : error.pointer + ": " + error.detail,
          http::status_of(error.code)};
}

}  // namespace mx2
