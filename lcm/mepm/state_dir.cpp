#include "lcm/mepm/state_dir.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "api/base/log.h"

namespace mx2::mepm {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kRecordBytesMax = 1U << 20U;

}  // namespace

Result<void> replace_file(const std::string& path, const std::string& content) {
  const auto fresh = path + ".new";
  {
    std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
    file << content << std::flush;
    if (!file) return unavailable("cannot write the state", fresh + ": " + std::strerror(errno));
  }
  std::error_code failed;
  fs::rename(fresh, path, failed);
  if (failed) return unavailable("cannot write the state", path + ": " + failed.message());
  return {};
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return not_found("cannot read " + path);
  std::string content(bytes_max, '\0');
  file.read(content.data(), static_cast<std::streamsize>(bytes_max));
  content.resize(static_cast<std::size_t>(file.gcount()));
  return content;
}

Result<void> StateDir::put(const std::string& kind, const std::string& id,
                           const json::Value& document) const {
  const auto folder = fs::path(directory_) / kind;
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  auto written = replace_file((folder / (id + ".json")).string(), json::dump(document));
  if (!written) log::error("state not written", {{"error", written.error().internal_text}});
  return written;
}

void StateDir::remove(const std::string& kind, const std::string& id) const {
  std::error_code ignored;
  fs::remove(fs::path(directory_) / kind / (id + ".json"), ignored);
}

std::vector<std::pair<std::string, json::Value>> StateDir::load(const std::string& kind) const {
  std::vector<std::pair<std::string, json::Value>> found;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(fs::path(directory_) / kind, failed)) {
    if (entry.path().extension() != ".json") continue;
    const auto text = read_file(entry.path().string(), kRecordBytesMax);
    auto document = text ? json::parse(*text) : text.error();
    if (document) {
      found.emplace_back(entry.path().stem().string(), std::move(*document));
    } else {
      log::warn("record left out", {{"file", entry.path().string()}});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return found;
}

}  // namespace mx2::mepm
