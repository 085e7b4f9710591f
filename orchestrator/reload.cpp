#include "orchestrator/reload.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "api/base/log.h"
#include "api/base/text.h"
#include "orchestrator/content.h"

namespace mx2 {
namespace {

constexpr std::size_t kProblemsLogged = 100;

// Values by dotted name.
using Keys = std::map<std::string, std::string>;

void add_keys(const json::Value& value, const std::string& name, Keys& keys) {
  if (!value.is_object()) {
    keys[name] = json::dump(value);
    return;
  }
  for (const auto& [member, inner] : value.items()) {
    add_keys(inner, name.empty() ? member : name + "." + member, keys);
  }
}

Keys keys_of(const config::Loaded<OrchestratorOptions>& loaded) {
  Keys keys;
  const auto document = config::parse_yaml(loaded.effective, "effective configuration");
  if (document) add_keys(document->value, "", keys);
  return keys;
}

void refuse(const std::string& file, const std::vector<std::string>& problems) {
  log::error("configuration not taken over: nothing has changed",
             {{"file", file}, {"problems", problems.size()}});
  for (std::size_t i = 0; i < std::min(problems.size(), kProblemsLogged); ++i) {
    log::error("configuration", {{"problem", problems[i]}});
  }
}

std::vector<std::string> lines_of(const Error& error) {
  std::vector<std::string> lines;
  for (const auto line : split(error.detail, '\n')) lines.emplace_back(line);
  if (!error.pointer.empty()) lines.front() = error.pointer + ": " + lines.front();
  return lines;
}

}  // namespace

// The first content. It may have been removed once there is a store.
std::vector<std::string> problems_of_files(const config::Loaded<OrchestratorOptions>& read) {
  const auto& file = read.options.content;
  std::error_code ignored;
  const bool not_needed = !std::filesystem::exists(file, ignored) &&
                          std::filesystem::exists(read.options.store.path, ignored);
  if (file.empty() || not_needed) return {};
  const auto document = config::read_yaml_file(file);
  if (!document) return lines_of(document.error());
  const auto content = read_content(*document);
  return content ? std::vector<std::string>() : lines_of(content.error());
}

std::vector<std::string> changed_keys(const config::Loaded<OrchestratorOptions>& running,
                                      const config::Loaded<OrchestratorOptions>& read) {
  std::vector<std::string> changed;
  const auto before = keys_of(running);
  for (const auto& [name, value] : keys_of(read)) {
    const auto it = before.find(name);
    if (it == before.end() || it->second != value) changed.push_back(name);
  }
  const auto differs = [&](const char* name, const std::string& a, const std::string& b) {
    const bool told = std::find(changed.begin(), changed.end(), name) != changed.end();
    if (a != b && !told) changed.emplace_back(name);
  };
  const auto& a = running.options;
  const auto& b = read.options;
  differs("metrics.token_file", a.operator_endpoints.monitoring.token,
          b.operator_endpoints.monitoring.token);
  differs("operator.token_file", a.operator_endpoints.token, b.operator_endpoints.token);
  differs("auth.tokens_file", a.auth.tokens, b.auth.tokens);
  differs("auth.jwt_key_file", a.auth.jwt_key, b.auth.jwt_key);
  differs("lifecycle.token_file", a.mepm_token, b.mepm_token);
  return changed;
}

bool Reloader::reload() {
  if (file_.empty()) {
    log::warn("there is no configuration to read again: the program runs on defaults");
    return false;
  }
  const auto document = config::read_yaml_file(file_);
  if (!document) {
    refuse(file_, lines_of(document.error()));
    return false;
  }
  auto read = read_options(*document);
  if (!read) {
    refuse(file_, lines_of(read.error()));
    return false;
  }
  auto problems = read->problems;
  const auto further = problems_of_files(*read);
  problems.insert(problems.end(), further.begin(), further.end());
  if (!problems.empty()) {
    refuse(file_, problems);
    return false;
  }
  take_over(std::move(*read));
  return true;
}

void Reloader::take_over(config::Loaded<OrchestratorOptions> read) {
  auto live = changed_keys(taken_, read);
  std::erase_if(live, [](const std::string& key) { return !is_live(key); });
  auto waiting = changed_keys(started_, read);
  std::erase_if(waiting, [](const std::string& key) { return is_live(key); });
  if (!live.empty()) orchestrator_.use(read.options);
  log::info("configuration read again",
            {{"file", file_}, {"taken_over", live.empty() ? "nothing" : join(live, " ")}});
  for (const auto& key : waiting) {
    log::warn("configuration: this key has changed and needs a restart", {{"key", key}});
  }
  taken_ = std::move(read);
}

}  // namespace mx2
