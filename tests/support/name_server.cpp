#include "tests/support/name_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

namespace mx2::test {
namespace {

constexpr std::size_t kHead = 12;  // bytes of a DNS header (RFC 1035, 4.1.1)
constexpr int kTypeA = 1;
constexpr int kTypeAaaa = 28;

void put16(std::string& out, unsigned value) {
  out += static_cast<char>((value >> 8U) & 0xFFU);
  out += static_cast<char>(value & 0xFFU);
}

unsigned get16(const std::string& text, std::size_t at) {
  return (static_cast<unsigned char>(text.at(at)) << 8U) |
         static_cast<unsigned char>(text.at(at + 1));
}

// The name of the question; where it ends comes to `end`.
std::string read_name(const std::string& query, std::size_t& end) {
  std::string name;
  std::size_t at = kHead;
  while (const auto length = static_cast<unsigned char>(query.at(at))) {
    name += (name.empty() ? "" : ".") + query.substr(at + 1, length);
    at += length + 1U;
  }
  end = at + 1;
  return name;
}

}  // namespace

NameServer::NameServer()
    : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket_.get(), any, size) != 0 || ::getsockname(socket_.get(), any, &size) != 0) {
    throw std::runtime_error("no socket for a name server");
  }
  port_ = ntohs(address.sin_port);
}

std::string NameServer::address() const { return "127.0.0.1:" + std::to_string(port_); }

void NameServer::step() {
  std::array<char, 1500> buffer{};
  sockaddr_in peer{};
  socklen_t size = sizeof(peer);
  ssize_t got = 0;
  while ((got = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0,
                           reinterpret_cast<sockaddr*>(&peer), &size)) > 0) {
    answer({buffer.data(), static_cast<std::size_t>(got)}, &peer, size);
  }
}

void NameServer::answer(const std::string& query, const void* peer, unsigned peer_size) {
  std::size_t end = 0;
  const auto name = read_name(query, end);
  const auto type = get16(query, end);
  if (type == kTypeA) ++asked[name];
  const auto said = says ? says(name) : std::nullopt;
  if (!said) return;
  std::string records;
  unsigned count = 0;
  for (const auto& text : said->addresses) {
    std::array<char, 16> bytes{};
    const bool v6 = text.find(':') != std::string::npos;
    if (v6 != (type == kTypeAaaa)) continue;
    ::inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), bytes.data());
    put16(records, 0xC00C);  // the name of the question
    put16(records, type);
    put16(records, 1);
    put16(records, said->ttl_s >> 16U);
    put16(records, said->ttl_s & 0xFFFFU);
    put16(records, v6 ? 16 : 4);
    records.append(bytes.data(), v6 ? 16 : 4);
    ++count;
  }
  std::string reply = query.substr(0, 2);
  put16(reply, 0x8180U | static_cast<unsigned>(said->code));
  put16(reply, 1);
  put16(reply, count);
  put16(reply, 0);
  put16(reply, 0);
  reply += query.substr(kHead, end + 4 - kHead) + records;
  static_cast<void>(::sendto(socket_.get(), reply.data(), reply.size(), 0,
                             static_cast<const sockaddr*>(peer), peer_size));
}

}  // namespace mx2::test
