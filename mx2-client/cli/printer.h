// What mx2 prints while it runs: one line for each thing that happens, for people or as JSON.
// Callable from any thread.
#pragma once

#include <cstddef>
#include <mutex>
#include <ostream>
#include <string>

#include "api/json/json.h"
#include "mx2-client/include/mx2/client.h"

namespace mx2::cli {

inline constexpr std::size_t kAnswerBytesMax = 2000;

class Printer {
 public:
  Printer(std::ostream& out, bool json) : out_(out), json_(json) {}

  void opened(client::Context& context, const std::string& app);
  // `with_answer`: its body as well, the first kAnswerBytesMax of it.
  void call(const client::Result<client::Reply>& reply, double milliseconds, bool with_answer);
  void move(const client::Move& move);
  // Anything else that is worth a line, e.g. "context made again".
  void note(const std::string& event, const std::string& text);
  void summary(const json::Value& numbers, const std::string& text);

 private:
  // `event` and the members of `more` for programs, `text` for people.
  void line(const std::string& event, json::Value more, const std::string& text);

  std::ostream& out_;
  const bool json_;
  std::mutex mutex_;
};

// "12.3 ms", "1.25 s"
[[nodiscard]] std::string latency_text(double milliseconds);
// "nowhere" for none.
[[nodiscard]] std::string place(const std::string& endpoint);

}  // namespace mx2::cli
