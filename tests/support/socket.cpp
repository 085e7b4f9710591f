#include "tests/support/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "api/base/text.h"
#include "tests/support/contract_log.h"

namespace mx2::test {
namespace {

// Head of an answer -> status and headers; Content-Length, or 0.
std::size_t parse_head(std::string_view head, Response& response) {
  std::size_t length = 0;
  const auto lines = split(head, '\n');
  response.status = static_cast<int>(parse_uint(lines[0].substr(9, 3)).value_or(0));
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto colon = lines[i].find(':');
    if (colon == std::string_view::npos) continue;
    auto value = lines[i].substr(colon + 1);
    if (!value.empty() && value.back() == '\r') value.remove_suffix(1);
    const auto name = lines[i].substr(0, colon);
    if (equals_ignoring_case(name, "Content-Length")) length = parse_uint(trim(value)).value_or(0);
    response.headers.emplace_back(name, trim(value));
  }
  return length;
}

}  // namespace

std::optional<std::string> Response::header(std::string_view exact_name) const {
  for (const auto& [name, value] : headers) {
    if (name == exact_name) return value;
  }
  return std::nullopt;
}

json::Value Response::json() const {
  auto document = json::parse(body);
  if (!document) throw std::runtime_error("answer is no JSON: " + body);
  return std::move(*document);
}

std::string Response::detail() const { return json().value("detail", ""); }

Socket::Socket(std::uint16_t port, int receive_buffer)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  const timeval patience{kPatienceMs / 1000, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd_);
    throw std::runtime_error("cannot connect to port " + std::to_string(port));
  }
}

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), input_(std::move(other.input_)) {}

bool Socket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Socket::half_close() { ::shutdown(fd_, SHUT_WR); }

void Socket::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(std::exchange(fd_, -1));
}

int Socket::retransmitted() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  ::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size);
  return static_cast<int>(info.tcpi_total_retrans);
}

bool Socket::fill() {
  if (pause_ms_ > 0) ::poll(nullptr, 0, pause_ms_);
  pollfd waiting{fd_, POLLIN, 0};
  if (::poll(&waiting, 1, kPatienceMs) <= 0) return false;
  std::array<char, 65536> buffer{};
  const auto got = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  input_.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

bool Socket::fill_until(std::size_t size) {
  while (input_.size() < size) {
    if (!fill()) return false;
  }
  return true;
}

Response Socket::receive(bool to_head) {
  Response response;
  std::size_t end = 0;
  while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return {};
  }
  const auto length = parse_head(std::string_view(input_).substr(0, end), response);
  const auto body_size = to_head || response.status == 204 || response.status == 100 ? 0 : length;
  if (!fill_until(end + 4 + body_size)) return {};
  response.body = input_.substr(end + 4, body_size);
  input_.erase(0, end + 4 + body_size);
  return response;
}

std::string Socket::take_until(std::string_view end) {
  std::size_t at = 0;
  while ((at = input_.find(end)) == std::string::npos) {
    if (!fill()) return {};
  }
  auto taken = input_.substr(0, at + end.size());
  input_.erase(0, taken.size());
  return taken;
}

bool Socket::at_end() { return input_.empty() && !fill() && input_.empty(); }

std::string request_text(std::string_view method, std::string_view target, std::string_view body,
                         const HeaderList& headers) {
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n");
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text.append("\r\n").append(body);
}

Response Client::request(const std::string& method, const std::string& target,
                         const std::string& body, HeaderList headers) {
  const auto text = request_text(method, target, body, headers);
  const bool fresh = !socket_;
  if (fresh) socket_.emplace(port_);
  Response response;
  if (socket_->send(text)) response = socket_->receive(method == "HEAD");
  if (response.status == 0 && !fresh) {  // an idle connection that the server has closed
    socket_.emplace(port_);
    if (socket_->send(text)) response = socket_->receive(method == "HEAD");
  }
  if (response.status == 0 || response.header("Connection") == "close") socket_.reset();
  record({method, target, response.status, response.header("Content-Type").value_or(""),
          response.body});
  return response;
}

}  // namespace mx2::test
