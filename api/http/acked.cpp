#include "api/http/acked.h"

// Not <netinet/tcp.h>, whose tcp_info ends before this counter; both do not go together.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace mx2::http {

std::uint64_t bytes_acked(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_acked : 0;
}

}  // namespace mx2::http
