#include "api/base/file.h"

#include <fstream>
#include <sstream>

#include "api/base/text.h"

namespace mx2 {

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  if (!in || !(bytes << in.rdbuf())) return invalid_argument("cannot be read", path);
  auto content = std::move(bytes).str();
  if (content.size() <= bytes_max) return content;
  return invalid_argument("is larger than " + std::to_string(bytes_max >> 20U) + " MiB", path);
}

std::string first_line(const std::string& content) {
  return std::string(trim(std::string_view(content).substr(0, content.find_first_of("\r\n"))));
}

}  // namespace mx2
