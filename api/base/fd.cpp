#include "api/base/fd.h"

#include <unistd.h>

namespace mx2 {

void Fd::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace mx2
