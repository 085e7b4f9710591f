// Server-sent events (WHATWG HTML, section 9.2.6) out of a byte stream that may be cut anywhere.
// Bounded: an event larger than the limit ends the stream.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace mx2::device {

struct ServerEvent {
  std::string id;    // the last one the stream gave, perhaps with an earlier event
  std::string type;  // "message" when it has none
  std::string data;
};

class SseParser {
 public:
  explicit SseParser(std::size_t event_bytes_max = 256U * 1024) : bytes_max_(event_bytes_max) {}

  // Calls `take` for each event that is complete now. False: an event is too large, or `take` said
  // false; nothing more can be read then.
  [[nodiscard]] bool feed(std::string_view bytes,
                          const std::function<bool(const ServerEvent&)>& take);

 private:
  [[nodiscard]] bool end_line(const std::function<bool(const ServerEvent&)>& take);
  void read_field(std::string_view name, std::string_view value);

  std::size_t bytes_max_;
  std::string line_;
  ServerEvent event_;
  bool has_data_ = false;
  bool after_cr_ = false;
  bool first_line_ = true;
};

}  // namespace mx2::device
