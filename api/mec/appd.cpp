#include "api/mec/appd.h"

#include <algorithm>

#include "api/base/text.h"

namespace mx2::codec {
namespace {

using json::Chars;
using json::ObjectReader;
using json::Value;

constexpr Chars kDescription{0, 128};
constexpr Chars kArgument{1, 4096};
constexpr Chars kPath{1, 256};
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

template <typename Int>
void read_count(ObjectReader& reader, const char* name, Int& out, std::int64_t least,
                std::int64_t most) {
  std::optional<std::int64_t> value;
  reader.optional(name, value, least, most);
  if (value) out = static_cast<Int>(*value);
}

void read_texts(ObjectReader& reader, const char* name, std::vector<std::string>& out, Chars limit,
                std::size_t items_max) {
  if (reader.need(name, Value::value_t::array) == nullptr) return;
  reader.optional(name, out, limit, items_max);
  if (out.empty()) reader.fail("must not be empty", name);
  for (std::size_t i = 0; i < out.size() && reader.ok(); ++i) {
    if (json::is_single_line(out[i])) continue;
    reader.error() =
        invalid_argument("must be on one line", reader.at(name) + "/" + std::to_string(i));
  }
}

void read_compute(ObjectReader& reader, AppDescriptor& out) {
  const auto* compute = reader.object("virtualComputeDescriptor");
  if (compute == nullptr) return;
  ObjectReader sub(*compute, reader.at("virtualComputeDescriptor"), reader.error());
  if (const auto* cpu = sub.object("virtualCpu")) {
    ObjectReader cpu_reader(*cpu, sub.at("virtualCpu"), reader.error());
    read_count(cpu_reader, "numVirtualCpu", out.virtual_cpus, 1, kCpusMax);
  }
  if (const auto* memory = sub.object("virtualMemory")) {
    ObjectReader memory_reader(*memory, sub.at("virtualMemory"), reader.error());
    read_count(memory_reader, "virtualMemSize", out.memory_mib, 1, kMemoryMibMax);
  }
}

void read_architecture(const Value& image, std::string pointer, std::optional<Error>& error,
                       AppDescriptor& out) {
  ObjectReader reader(image, std::move(pointer), error);
  std::string architecture;
  reader.optional("architecture", architecture, {1, 64});
  if (!json::is_single_line(architecture)) reader.fail("must be on one line", "architecture");
  if (architecture.empty()) return;
  if (!out.architecture.empty() && out.architecture != architecture) {
    reader.fail("all images of a package must have one architecture", "architecture");
  }
  out.architecture = architecture;
}

// One image, or a list of them: V2.1.1 has one, later editions several.
void read_images(ObjectReader& reader, AppDescriptor& out) {
  const auto* images = reader.find("swImageDescriptor");
  if (images == nullptr) return;
  if (!images->is_array()) {
    return read_architecture(*images, reader.at("swImageDescriptor"), reader.error(), out);
  }
  if (reader.array("swImageDescriptor", kImagesMax) == nullptr) return;
  for (std::size_t i = 0; i < images->size() && reader.ok(); ++i) {
    read_architecture((*images)[i], reader.at("swImageDescriptor") + "/" + std::to_string(i),
                      reader.error(), out);
  }
}

// A file within the package, and nowhere else.
bool stays_inside(std::string_view path) {
  if (path.starts_with('/') || path.ends_with('/')) return false;
  const auto parts = split(path, '/');
  return parts.back() != "." && std::find(parts.begin(), parts.end(), "..") == parts.end();
}

void read_command(ObjectReader& reader, ProcessDescriptor& out) {
  read_texts(reader, "command", out.command, kArgument, kArgumentsMax);
  if (!reader.ok() || stays_inside(out.command.front())) return;
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

void read_path(ObjectReader& reader, const char* name, std::string& out) {
  reader.optional(name, out, kPath);
  if (out.empty() || !reader.ok()) return;
  const bool plain =
      std::all_of(out.begin(), out.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (out.front() != '/' || !plain) {
    reader.fail("must begin with / and have no spaces or other than ASCII characters", name);
  }
}

void read_process(ObjectReader& reader, AppDescriptor& out) {
  const auto* process = reader.object("mx2Process");
  if (process == nullptr) return;
  auto& to = out.process.emplace();
  ObjectReader sub(*process, reader.at("mx2Process"), reader.error());
  sub.refuse_unknown({"command", "environment", "readyPath", "statsPath", "readyTimeoutMs",
                      "stopTimeoutMs", "processesMax", "filesBytesMax"});
  read_command(sub, to);
  read_environment(sub, to);
  read_path(sub, "readyPath", to.ready_path);
  read_path(sub, "statsPath", to.stats_path);
  read_count(sub, "readyTimeoutMs", to.ready_timeout_ms, kTimeoutMsMin, kTimeoutMsMax);
  read_count(sub, "stopTimeoutMs", to.stop_timeout_ms, kTimeoutMsMin, kTimeoutMsMax);
  read_count(sub, "processesMax", to.processes_max, 1, kProcessesMax);
  read_count(sub, "filesBytesMax", to.file_bytes_max, 1, kFileBytesMax);
}

Value to_json(const ProcessDescriptor& process) {
  Value out{{"command", process.command},
            {"readyTimeoutMs", process.ready_timeout_ms},
            {"stopTimeoutMs", process.stop_timeout_ms},
            {"processesMax", process.processes_max},
            {"filesBytesMax", process.file_bytes_max}};
  if (!process.environment.empty()) out["environment"] = process.environment;
  if (!process.ready_path.empty()) out["readyPath"] = process.ready_path;
  if (!process.stats_path.empty()) out["statsPath"] = process.stats_path;
  return out;
}

}  // namespace

Result<AppDescriptor> decode_app_descriptor(std::string_view json) {
  if (json.size() > kDescriptorBytesMax) {
    return invalid_argument("the descriptor has more than " + std::to_string(kDescriptorBytesMax) +
                            " bytes");
  }
  const auto document = json::parse(json);
  if (!document) return document.error();
  std::optional<Error> error;
  AppDescriptor out;
  ObjectReader reader(*document, "", error);
  reader.required_line("appDId", out.app_d_id, json::kIdentifier);
  reader.required_line("appName", out.app_name, json::kName32);
  reader.required_line("appProvider", out.app_provider, json::kName32);
  reader.required_line("appSoftVersion", out.app_soft_version, json::kName32);
  reader.required_line("appDVersion", out.app_d_version, json::kName32);
  reader.required_line("appDescription", out.app_description, kDescription);
  read_texts(reader, "mecVersion", out.mec_version, {1, 32}, kVersionsMax);
  read_compute(reader, out);
  read_images(reader, out);
  read_process(reader, out);
  if (error) return *error;
  return out;
}

json::Value to_json(const AppDescriptor& app) {
  Value image{{"id", app.app_d_id},
              {"name", app.app_name},
              {"version", app.app_soft_version},
              {"swImage", app.process ? app.process->command.front() : app.app_name}};
  if (!app.architecture.empty()) image["architecture"] = app.architecture;
  Value out{{"appDId", app.app_d_id},
            {"appName", app.app_name},
            {"appProvider", app.app_provider},
            {"appSoftVersion", app.app_soft_version},
            {"appDVersion", app.app_d_version},
            {"appDescription", app.app_description},
            {"mecVersion", app.mec_version},
            {"virtualComputeDescriptor",
             {{"virtualCpu", {{"numVirtualCpu", app.virtual_cpus}}},
              {"virtualMemory", {{"virtualMemSize", app.memory_mib}}}}},
            {"swImageDescriptor", Value::array({image})}};
  if (app.process) out["mx2Process"] = to_json(*app.process);
  return out;
}

}  // namespace mx2::codec
