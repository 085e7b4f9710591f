#include "tests/support/event_client.h"

#include <stdexcept>

#include "api/base/text.h"
#include "api/mx2/codec.h"
#include "tests/support/contract_log.h"

namespace mx2::test {

EventClient::EventClient(std::uint16_t port, const std::string& context_path,
                         const HeaderList& headers, int receive_buffer)
    : socket(port, receive_buffer) {
  const auto target = context_path + "/events";
  socket.send(request_text("GET", target, "", headers));
  head = socket.receive();
  const auto first = head.status == 200 ? block() : head.body;
  if (head.status == 200 && first != "retry: 1000") throw std::runtime_error("first is " + first);
  record({"GET", target, head.status, head.header("Content-Type").value_or(""), first});
}

std::string EventClient::block() {
  auto text = socket.take_until("\n\n");
  if (!text.empty()) text.resize(text.size() - 2);
  return text;
}

Event EventClient::next() {
  std::string text = block();
  while (text.rfind(':', 0) == 0) text = block();
  const auto lines = split(text, '\n');
  if (lines.size() != 3 || lines[0].substr(0, 4) != "id: " || lines[1].substr(0, 7) != "event: " ||
      lines[2].substr(0, 6) != "data: ") {
    throw std::runtime_error("no event: " + text);
  }
  const auto notification = codec::decode_notification(lines[2].substr(6));
  if (!notification) throw std::runtime_error(notification.error().detail);
  if (codec::type_of(*notification) != lines[1].substr(7))
    throw std::runtime_error("its event is another");
  return {std::string(lines[0].substr(4)), std::string(lines[1].substr(7)),
          json::parse(lines[2].substr(6)).value()};
}

std::string EventClient::next_address() {
  return next().data.at("userAppInstanceInfo").at(0).at("referenceURI").get<std::string>();
}

}  // namespace mx2::test
