// A client of server-sent events that shows what it receives.
#pragma once

#include <string>

#include "tests/support/socket.h"

namespace mx2::test {

struct Event {
  std::string id;
  std::string name;
  json::Value data;
};

class EventClient {
 public:
  // Sends the request and reads the head of the answer, and of an error its body.
  EventClient(std::uint16_t port, const std::string& context_path, const HeaderList& headers = {},
              int receive_buffer = 0);

  // The next block, without the blank line; empty at the end.
  [[nodiscard]] std::string block();
  // The next event; comments are passed over. Throws at the end, and when it is no notification of
  // MEC 016.
  [[nodiscard]] Event next();
  // Of the mandatory event that carries the whole list: the address of the first instance.
  [[nodiscard]] std::string next_address();

  Socket socket;
  Response head;
};

}  // namespace mx2::test
