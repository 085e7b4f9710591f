#include "lcm/mepm/process/instance_log.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "api/base/text.h"

namespace mx2::mepm::process {
namespace {

std::string last_bytes(const std::string& path, std::uint64_t size, std::uint64_t count) {
  std::ifstream file(path, std::ios::binary);
  const auto from = size - std::min(size, count);
  file.seekg(static_cast<std::streamoff>(from));
  std::string text(static_cast<std::size_t>(size - from), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
  return text;
}

}  // namespace

void bound_log(const std::string& path, std::uint64_t bytes_max) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(path, failed);
  if (failed || size <= bytes_max) return;
  std::ofstream(path + ".1", std::ios::binary | std::ios::trunc)
      << last_bytes(path, size, bytes_max / 2);
  std::filesystem::resize_file(path, 0, failed);  // O_APPEND goes on from there
}

std::string log_tail(const std::string& path, std::size_t bytes_max) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(path, failed);
  if (failed) return {};
  auto text = last_bytes(path, size, bytes_max);
  for (auto& c : text) {
    if (c < ' ' || c > '~') c = ' ';
  }
  return std::string(trim(text));
}

}  // namespace mx2::mepm::process
