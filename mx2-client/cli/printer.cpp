#include "mx2-client/cli/printer.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string_view>

#include "api/base/clock.h"
#include "api/base/terminal.h"

namespace mx2::cli {
namespace {

constexpr std::size_t kStatusWidth = 8;
constexpr std::size_t kLatencyWidth = 9;

// 12:00:00.250, of this place.
std::string local_time() {
  const auto now = SystemClock().now_ms();
  const auto seconds = static_cast<std::time_t>(now / 1000);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const auto size = std::strftime(text.data(), text.size(), "%H:%M:%S", &parts);
  std::snprintf(text.data() + size, text.size() - size, ".%03d", static_cast<int>(now % 1000));
  return text.data();
}

std::string left(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

std::string right(const std::string& text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

// Without the line break that many end with; cut between characters.
std::string beginning(std::string_view body) {
  while (!body.empty() && (body.back() == '\n' || body.back() == '\r')) body.remove_suffix(1);
  if (body.size() <= kAnswerBytesMax) return std::string(body);
  auto size = kAnswerBytesMax;
  while (size > 0 && (static_cast<unsigned char>(body[size]) & 0xC0U) == 0x80U) --size;
  return std::string(body.substr(0, size)) + "…";
}

}  // namespace

std::string latency_text(double milliseconds) {
  std::array<char, 32> text{};
  if (milliseconds < 1000) {
    std::snprintf(text.data(), text.size(), "%.1f ms", milliseconds);
  } else {
    std::snprintf(text.data(), text.size(), "%.2f s", milliseconds / 1000);
  }
  return text.data();
}

std::string place(const std::string& endpoint) {
  return endpoint.empty() ? "nowhere" : printable(endpoint);
}

void Printer::line(const std::string& event, json::Value more, const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (json_) {
    more["event"] = event;
    more["time"] = format_utc(SystemClock().now_ms());
    out_ << json::dump(more) << std::endl;
    return;
  }
  out_ << local_time() << "  " << text << std::endl;
}

void Printer::opened(client::Context& context, const std::string& app) {
  const auto endpoint = context.endpoint();
  line("open", {{"contextId", context.id()}, {"endpoint", endpoint}},
       left("open", kStatusWidth) + printable(app) + " at " + place(endpoint) + ", context " +
           printable(context.id()));
}

void Printer::call(const client::Result<client::Reply>& reply, double milliseconds,
                   bool with_answer) {
  json::Value more{{"latencyMs", milliseconds}};
  const auto latency = right(latency_text(milliseconds), kLatencyWidth);
  if (!reply) {
    more["error"] = reply.error().message;
    return line("failure", more,
                left("failed", kStatusWidth) + latency + "  " + printable(reply.error().message));
  }
  more["status"] = reply->status;
  more["endpoint"] = reply->endpoint;
  more["attempts"] = reply->attempts;
  auto text = left(std::to_string(reply->status), kStatusWidth) + latency + "  " +
              place(reply->endpoint) + (reply->attempts > 1 ? "  (second attempt)" : "");
  if (with_answer) {
    const auto answer = beginning(reply->body);
    more["answer"] = answer;
    text += "  " + printable(answer);
  }
  line("call", more, text);
}

void Printer::move(const client::Move& move) {
  line("move", {{"from", move.from}, {"to", move.to}, {"endpoints", move.endpoints}},
       left("move", kStatusWidth) + place(move.from) + " -> " + place(move.to));
}

void Printer::note(const std::string& event, const std::string& text) {
  line(event, {{"text", text}}, left(event, kStatusWidth) + printable(text));
}

void Printer::summary(const json::Value& numbers, const std::string& text) {
  if (json_) return line("summary", numbers, "");
  const std::lock_guard lock(mutex_);
  out_ << '\n' << text << std::endl;
}

}  // namespace mx2::cli
