#include "dispatcher/command_socket.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "api/base/fd.h"
#include "api/base/text.h"

namespace mx2::dispatcher {
namespace {

constexpr std::size_t kLineBytesMax = 8192;  // below HAProxy's smallest buffer
constexpr std::size_t kAnswerBytesMax = std::size_t{64} << 20U;

class Socket {
 public:
  Socket() : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }

  bool connect(const std::string& path) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }

  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  bool receive_all(std::string& out) const {
    std::array<char, 65536> buffer{};
    while (out.size() < kAnswerBytesMax) {
      const auto got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (got == 0) return true;
      if (got < 0) return false;
      out.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return false;
  }

 private:
  Fd fd_;
};

bool is_success(std::string_view line) {
  return line.empty() || line == "New server registered." || line == "Server deleted.";
}

long number(std::string_view text) { return static_cast<long>(parse_uint(text).value_or(0)); }

}  // namespace

Result<std::string> ask(const std::string& socket, const std::string& line) {
  const Socket connection;
  std::string answer;
  if (!connection.connect(socket) || !connection.send(line + "\n") ||
      !connection.receive_all(answer)) {
    return unavailable("HAProxy does not answer", std::strerror(errno));
  }
  return answer;
}

std::vector<std::string> lines_of(const std::vector<std::string>& commands) {
  std::vector<std::string> lines;
  for (const auto& text : commands) {
    if (lines.empty() || lines.back().size() + text.size() > kLineBytesMax) {
      lines.push_back(text);
    } else {
      lines.back() += ";" + text;
    }
  }
  return lines;
}

Result<std::vector<std::string>> command(const std::string& socket,
                                         const std::vector<std::string>& commands) {
  std::vector<std::string> failed;
  for (const auto& line : lines_of(commands)) {
    const auto answer = ask(socket, line);
    if (!answer) return answer.error();
    for (auto& words : complaints(*answer)) failed.push_back(std::move(words));
  }
  return failed;
}

std::vector<std::string> complaints(std::string_view answer) {
  std::vector<std::string> out;
  for (const auto line : split(answer, '\n')) {
    if (!is_success(trim(line))) out.emplace_back(trim(line));
  }
  return out;
}

std::vector<ServerState> parse_stat(std::string_view csv) {
  std::vector<ServerState> out;
  std::map<std::string_view, std::size_t> columns;
  for (auto line : split(csv, '\n')) {
    const bool head = line.starts_with("# ");
    if (head) line.remove_prefix(2);
    const auto fields = split(line, ',');
    if (head) {
      columns.clear();
      for (std::size_t i = 0; i < fields.size(); ++i) columns.emplace(fields[i], i);
      continue;
    }
    const auto field = [&](const char* name) -> std::string_view {
      const auto it = columns.find(name);
      return it != columns.end() && it->second < fields.size() ? fields[it->second] : "";
    };
    if (field("type") != "2") continue;
    ServerState state{std::string(field("pxname")),
                      std::string(field("svname")),
                      field("status").starts_with("UP") || field("status") == "no check",
                      field("status").starts_with("MAINT"),
                      !field("check_status").empty() && !field("check_status").ends_with("INI"),
                      number(field("scur")),
                      number(field("qcur")),
                      number(field("stot")),
                      number(field("hrsp_5xx"))};
    out.push_back(std::move(state));
  }
  return out;
}

}  // namespace mx2::dispatcher
