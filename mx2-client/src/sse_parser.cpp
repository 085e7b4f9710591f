#include "mx2-client/src/sse_parser.h"

namespace mx2::device {

bool SseParser::feed(std::string_view bytes, const std::function<bool(const ServerEvent&)>& take) {
  for (const char c : bytes) {
    const bool second_half = c == '\n' && after_cr_;  // of one CR LF
    after_cr_ = c == '\r';
    if (second_half) continue;
    if (c == '\n' || c == '\r') {
      if (!end_line(take)) return false;
      continue;
    }
    if (line_.size() + event_.data.size() >= bytes_max_) return false;
    line_ += c;
  }
  return true;
}

bool SseParser::end_line(const std::function<bool(const ServerEvent&)>& take) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  std::string_view line = line_;
  if (first_line_ && line.substr(0, 3) == kByteOrderMark) line.remove_prefix(3);
  first_line_ = false;
  if (line.empty()) {
    line_.clear();
    const bool complete = has_data_;
    ServerEvent event{event_.id, event_.type.empty() ? "message" : event_.type,
                      std::move(event_.data)};
    event_.type.clear();
    event_.data.clear();
    has_data_ = false;
    return !complete || take(event);
  }
  const auto colon = line.find(':');
  if (colon != 0) {  // else a comment
    auto value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    read_field(line.substr(0, colon), value);
  }
  line_.clear();
  return true;
}

void SseParser::read_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (has_data_) event_.data += '\n';
    event_.data += value;
    has_data_ = true;
  } else if (name == "event") {
    event_.type = value;
  } else if (name == "id" && value.find('\0') == std::string_view::npos) {
    event_.id = value;
  }
}

}  // namespace mx2::device
