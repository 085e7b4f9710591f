#include "ctl/explanation.h"

#include <algorithm>
#include <vector>

#include "ctl/output.h"

namespace mx2::ctl {
namespace {

struct Step {
  std::string ue;
  std::string target;
  std::string verdict;
};

std::vector<Step> steps_of(const json::Value& document) {
  std::vector<Step> steps;
  for (const auto& step : list_in(document, "steps")) {
    if (!step.is_object()) continue;
    steps.push_back({text_at(step, "ue"), text_at(step, "target"), text_at(step, "verdict")});
  }
  return steps;
}

std::string who(const json::Value& document) {
  const auto device = text_at(document, "associateDevAppId");
  const auto ip = text_at(document, "ip");
  if (device.empty() && ip.empty()) return "a UE that nothing is known of";
  if (device.empty()) return "address " + ip;
  return "device " + device + (ip.empty() ? "" : " at " + ip);
}

// Why the row of the last step is the one that decides.
std::string precedence(const json::Value& document, const std::vector<Step>& steps) {
  const auto& ue = steps.back().ue;
  const bool others = steps.front().ue != ue;
  if (ue.starts_with("dev:"))
    return "it names the device itself, which comes before any ip: or * row";
  if (ue.starts_with("ip:")) {
    return others
               ? "no target of the more specific rows can serve, and it has the longest prefix of "
                 "the rest"
               : "no row names the device, and it has the longest prefix that holds " +
                     text_at(document, "ip");
  }
  return others ? "no target of the more specific rows can serve" : "no more specific row applies";
}

std::string choice(const std::vector<Step>& steps) {
  const auto same_row = std::count_if(steps.begin(), steps.end(),
                                      [&](const Step& step) { return step.ue == steps.back().ue; });
  if (same_row == 1) return "";
  return ", by its target number " + std::to_string(same_row) + " as those before cannot serve";
}

}  // namespace

bool is_found(const json::Value& document) {
  const auto found = document.find("found");
  return found != document.end() && *found == true;
}

std::string explain_in_words(const json::Value& document) {
  const auto steps = steps_of(document);
  const auto app = text_at(document, "app");
  const auto asked = app + " for " + who(document);
  if (!is_found(document) || steps.empty()) {
    return steps.empty()
               ? "Nothing can serve " + asked +
                     ": it has no row, and no package that is enabled (mx2ctl packages list)."
               : "Nothing can serve " + asked + ": no target of its rows can.";
  }
  const auto host = text_at(document, "host");
  const auto where = host.empty() ? "a literal endpoint" : "host " + host;
  return asked + " goes to " + where + " (" + text_at(document, "referenceURI") + ").\n" + "Row " +
         steps.back().ue + " decides" + choice(steps) + ": " + precedence(document, steps) + ".";
}

}  // namespace mx2::ctl
