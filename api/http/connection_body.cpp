// The body of a request: by its length, or in chunks.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "api/base/text.h"
#include "api/http/connection.h"

namespace mx2::http {
namespace {

// The size in the line that begins a chunk, which ends in a CR; extensions are ignored.
std::optional<std::size_t> chunk_size(std::string_view line) {
  if (line.empty() || line.back() != '\r') return std::nullopt;
  line.remove_suffix(1);
  if (line.find_first_of(std::string_view("\0\r", 2)) != std::string_view::npos)
    return std::nullopt;
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  const auto rest = trim(line.substr(static_cast<std::size_t>(end - line.data())));
  if (error != std::errc() || (!rest.empty() && rest[0] != ';')) return std::nullopt;
  return size;
}

}  // namespace

Connection::Step Connection::begin_body() {
  const auto& headers = parser_.request.headers();
  phase_ = body_left_ > 0 ? Phase::kBody : Phase::kChunked;
  const auto expect = headers.tryGet<Pistache::Http::Header::Expect>();
  const auto peer = peer_.lock();
  if (expect && peer && input_.empty()) {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    ::send(peer->fd(), kContinue.data(), kContinue.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  return Step::kAgain;
}

Connection::Step Connection::read_body() {
  const auto available = std::min(body_left_, input_.size());
  if (available == 0) return Step::kMore;
  body_left_ -= available;
  const auto done = feed(available);
  if (!done) return reject(too_large(0));
  return *done ? Step::kRequest : Step::kAgain;
}

// Whole lines only: the parser then never sees half of a chunk's closing line end.
Connection::Step Connection::read_chunked() {
  const auto line_end = input_.find('\n');
  if (line_end == std::string::npos && input_.size() <= 2 * shared_.options.body_bytes_max) {
    return Step::kMore;
  }
  if (line_end == std::string::npos) return reject(too_large(0));
  const auto length = chunk_left_ > 0 ? take_chunk_data(line_end + 1) : take_chunk_size(line_end);
  if (!length) return reject(length.error());
  const auto done = feed(*length);
  if (!done || parser_.request.body().size() > shared_.options.body_bytes_max) {
    return reject(too_large(0));
  }
  if (*done) phase_ = Phase::kTrailer;
  return Step::kAgain;
}

Result<std::size_t> Connection::take_chunk_data(std::size_t length) {
  if (length > chunk_left_) return invalid_argument("a chunk is longer than it says");
  chunk_left_ -= length;
  return length;
}

// The line, up to its line feed, is replaced by one without extensions, which Pistache does not
// know and nobody needs (RFC 9112 7.1.1); it reserves whatever a chunk says it has.
Result<std::size_t> Connection::take_chunk_size(std::size_t line_end) {
  const auto size = chunk_size(std::string_view(input_).substr(0, line_end));
  if (!size) return invalid_argument("malformed chunk size");
  if (*size > shared_.options.body_bytes_max) return too_large(*size);
  chunk_left_ = *size + 2;
  std::array<char, 20> hex{};
  const auto end = std::to_chars(hex.begin(), hex.end(), *size, 16).ptr;
  const auto plain = std::string(hex.begin(), end) + "\r\n";
  input_.replace(0, line_end + 1, plain);
  return plain.size();
}

// Trailer fields mean nothing here; the empty line after them ends the message.
Connection::Step Connection::read_trailer() {
  const auto line_end = input_.find('\n');
  if (line_end == std::string::npos && input_.size() <= shared_.options.head_bytes_max) {
    return Step::kMore;
  }
  if (line_end == std::string::npos) return reject(invalid_argument("trailer line too long"));
  const bool empty = line_end == 0 || (line_end == 1 && input_[0] == '\r');
  input_.erase(0, line_end + 1);
  return empty ? Step::kRequest : Step::kAgain;
}

// Hands the first bytes of input_ to Pistache's parser; true when the message is complete, nothing
// when it does not fit.
std::optional<bool> Connection::feed(std::size_t bytes) {
  if (!parser_.feed(input_.data(), bytes)) return std::nullopt;
  input_.erase(0, bytes);
  return parser_.parse() == Pistache::Http::Private::State::Done;
}

}  // namespace mx2::http
