// The application descriptor of a package: AppD of ETSI GS MEC 010-2 V2.1.1 clause 6.2.1.2, and
// what this project adds to it for λ that are executables (`mx2Process`).
//
// In a package it is the file kDescriptorName at the root. Attributes of AppD that are not listed
// here are accepted and dropped: ETSI has many. mx2Process is ours, so an unknown one there is an
// error. virtualComputeDescriptor and swImageDescriptor, structures of ETSI NFV, may be absent: a
// process has a size but no image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.h"
#include "api/json/json.h"

namespace mx2 {

inline constexpr const char* kDescriptorName = "appd.json";
inline constexpr std::size_t kDescriptorBytesMax = 256 << 10;

// How to run the executable of a package. Its environment also tells the process where it is:
//   MX2_ADDRESS, MX2_PORT           where it is to listen
//   MX2_APP_INSTANCE_ID             who it is, which nobody else should know
//   MX2_MP1_URI                     of the platform (MEC 011)
//   MX2_HOST_ID                     of its MEC host, as the orchestrator knows it
// and, only those that the MEPM's operator trusts, as far as there are:
//   MX2_ORCHESTRATOR_URL, MX2_ORCHESTRATOR_CA_FILE   of the operator API
//   MX2_ORCHESTRATOR_TOKEN_FILE     the first line is the token for it
struct ProcessDescriptor {
  // The first is a file of the package, relative to its root. In the others, and in the values of
  // `environment`, "{port}" and "{host}" become the port and the address to listen on.
  std::vector<std::string> command;
  std::map<std::string, std::string> environment;
  std::string ready_path;  // GET answers 2xx when it is ready; empty: it says confirm_ready itself
  std::string
      stats_path;  // GET answers {"requests","in_flight","p50_ms","p95_ms"}; empty: it has none
  int ready_timeout_ms = 10000;
  int stop_timeout_ms = 5000;
  int processes_max = 32;
  std::int64_t file_bytes_max = 64LL << 20U;  // of each file it writes
};

struct AppDescriptor {
  std::string app_d_id;
  std::string app_name;
  std::string app_provider;
  std::string app_soft_version;
  std::string app_d_version;
  std::string app_description;
  std::vector<std::string> mec_version;  // at least one
  int virtual_cpus = 1;
  std::int64_t memory_mib = 128;
  std::string architecture;  // as uname -m gives it, e.g. "x86_64"; empty: any
  std::optional<ProcessDescriptor> process;
};

namespace codec {

// Every error is invalid_argument with the JSON pointer of the attribute. Lengths are those of
// MEC 016, so that what can be on-boarded can be listed.
[[nodiscard]] Result<AppDescriptor> decode_app_descriptor(std::string_view json);
// The AppD with all its mandatory attributes; decode_app_descriptor() gives the same back.
[[nodiscard]] json::Value to_json(const AppDescriptor& descriptor);

}  // namespace codec
}  // namespace mx2
