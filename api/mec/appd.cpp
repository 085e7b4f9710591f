#include "api/mec/appd.h"

#include <algorithm>

#include "api/base/text.h"

namespace mx2::codec {
namespace {

using json::Chars;
using json::ObjectReader;
using json::Value;

constexpr Chars kDescription{0, 128};
constexpr Chars kVersion{1, 32};
constexpr Chars kArgument{1, 4096};
constexpr Chars kPath{1, 256};
constexpr Chars kArchitecture{1, 64};
constexpr std::size_t kVersionsMax = 16;
constexpr std::size_t kImagesMax = 16;
constexpr std::size_t kArgumentsMax = 64;
constexpr std::size_t kVariablesMax = 64;
constexpr std::int64_t kCpusMax = 1024;
constexpr std::int64_t kMemoryMibMax = 1 << 20;
constexpr std::int64_t kTimeoutMsMin = 10;
constexpr std::int64_t kTimeoutMsMax = 600'000;
constexpr std::int64_t kProcessesMax = 4096;
constexpr std::int64_t kFileBytesMax = 1LL << 40U;

constexpr auto kAppDescriptor = [](auto& io, auto& app) {
  io.required_line("appDId", app.app_d_id, json::kIdentifier);
  io.required_line("appName", app.app_name, json::kName32);
  io.required_line("appProvider", app.app_provider, json::kName32);
  io.required_line("appSoftVersion", app.app_soft_version, json::kName32);
  io.required_line("appDVersion", app.app_d_version, json::kName32);
  io.required_line("appDescription", app.app_description, kDescription);
  io.required("mecVersion", app.mec_version, kVersion, kVersionsMax);
  io.optional_object("virtualComputeDescriptor", [&](auto& compute) {
    compute.optional_object("virtualCpu", [&](auto& cpu) {
      cpu.optional("numVirtualCpu", app.virtual_cpus, 1, kCpusMax);
    });
    compute.optional_object("virtualMemory", [&](auto& memory) {
      memory.optional("virtualMemSize", app.memory_mib, 1, kMemoryMibMax);
    });
  });
};

constexpr auto kProcessDescriptor = [](auto& io, auto& process) {
  io.required("command", process.command, kArgument, kArgumentsMax);
  io.optional("readyPath", process.ready_path, kPath);
  io.optional("statsPath", process.stats_path, kPath);
  io.optional("readyTimeoutMs", process.ready_timeout_ms, kTimeoutMsMin, kTimeoutMsMax);
  io.optional("stopTimeoutMs", process.stop_timeout_ms, kTimeoutMsMin, kTimeoutMsMax);
  io.optional("processesMax", process.processes_max, 1, kProcessesMax);
  io.optional("filesBytesMax", process.file_bytes_max, 1, kFileBytesMax);
};

void check_lines(ObjectReader& reader, const char* name, const std::vector<std::string>& texts) {
  for (std::size_t i = 0; i < texts.size() && reader.ok(); ++i) {
    if (json::is_single_line(texts[i])) continue;
    reader.error() =
        invalid_argument("must be on one line", reader.at(name) + "/" + std::to_string(i));
  }
}

// One image, or a list of them: V2.1.1 has one, later editions several.
void read_images(ObjectReader& reader, std::string& architecture) {
  const char* const name = "swImageDescriptor";
  const auto read = [&](ObjectReader& image, std::string& own) {
    image.optional("architecture", own, kArchitecture);
    image.check_line("architecture", own);
    if (own.empty()) return;
    if (!architecture.empty() && architecture != own) {
      image.fail("all images of a package must have one architecture", "architecture");
    }
    architecture = own;
  };
  std::vector<std::string> several;
  std::optional<std::string> one;
  const auto* images = reader.find(name);
  if (images != nullptr && images->is_array()) {
    return reader.optional_items(name, several, kImagesMax, read);
  }
  reader.optional_object(name, one, read);
}

// A file within the package, and nowhere else.
bool stays_inside(std::string_view path) {
  if (path.starts_with('/') || path.ends_with('/')) return false;
  const auto parts = split(path, '/');
  return parts.back() != "." && std::find(parts.begin(), parts.end(), "..") == parts.end();
}

void check_command(ObjectReader& reader, const std::vector<std::string>& command) {
  check_lines(reader, "command", command);
  if (!reader.ok() || stays_inside(command.front())) return;
  reader.error() = invalid_argument("must be a file of the package, relative to its root",
                                    reader.at("command") + "/0");
}

bool is_variable(std::string_view name) {
  const auto is_letter = [](char c) {
    return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && name.size() <= 256 && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return is_letter(c) || is_digit(c); });
}

void read_environment(ObjectReader& reader, ProcessDescriptor& out) {
  const auto* variables = reader.object("environment");
  if (variables == nullptr) return;
  if (variables->size() > kVariablesMax)
    return reader.fail("has too many variables", "environment");
  ObjectReader sub(*variables, reader.at("environment"), reader.error());
  for (const auto& [name, value] : variables->items()) {
    if (!is_variable(name)) return sub.fail("is no name of a variable", name);
    if (name.starts_with("MX2_")) return sub.fail("names that begin with MX2_ are reserved", name);
    sub.required_line(name.c_str(), out.environment[name], {0, 4096});
    if (!sub.ok()) return;
  }
}

void check_path(ObjectReader& reader, const char* name, const std::string& path) {
  const bool plain =
      std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (!path.empty() && (path.front() != '/' || !plain)) {
    reader.fail("must begin with / and have no spaces or other than ASCII characters", name);
  }
}

void read_process(ObjectReader& reader, ProcessDescriptor& out) {
  reader.refuse_unknown({"command", "environment", "readyPath", "statsPath", "readyTimeoutMs",
                         "stopTimeoutMs", "processesMax", "filesBytesMax"});
  kProcessDescriptor(reader, out);
  check_command(reader, out.command);
  read_environment(reader, out);
  check_path(reader, "readyPath", out.ready_path);
  check_path(reader, "statsPath", out.stats_path);
}

void read_descriptor(ObjectReader& reader, AppDescriptor& out) {
  kAppDescriptor(reader, out);
  check_lines(reader, "mecVersion", out.mec_version);
  read_images(reader, out.architecture);
  reader.optional_object("mx2Process", out.process, read_process);
}

}  // namespace

Result<AppDescriptor> decode_app_descriptor(std::string_view json) {
  if (json.size() > kDescriptorBytesMax) {
    return invalid_argument("the descriptor has more than " + std::to_string(kDescriptorBytesMax) +
                            " bytes");
  }
  return json::decode_text<AppDescriptor>(json, read_descriptor);
}

json::Value to_json(const AppDescriptor& app) {
  Value image{{"id", app.app_d_id},
              {"name", app.app_name},
              {"version", app.app_soft_version},
              {"swImage", app.process ? app.process->command.front() : app.app_name}};
  json::ObjectWriter(image).optional("architecture", app.architecture);
  auto out = json::object_of(app, kAppDescriptor);
  out["swImageDescriptor"] = Value::array({image});
  if (app.process) {
    auto& process = out["mx2Process"] = json::object_of(*app.process, kProcessDescriptor);
    json::ObjectWriter(process).optional("environment", app.process->environment);
  }
  return out;
}

}  // namespace mx2::codec
