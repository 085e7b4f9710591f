// CSV files of a topology, turned into entries of the YAML document that names them, so that one
// reader judges both and tells what is wrong with its place. Internal to topology.cpp.
//
//   csv: {hosts: hosts.csv, attachments: cells.csv, latency_ms: matrix.csv}
//
// The first record names the columns, in any order; an empty field is as if it were not there.
//   hosts        id, tier, parent, capacity, cores, service_us, longitude, latitude, memory_mb,
//                bandwidth_kbps
//   attachments  name, longitude, latitude, prefixes, devices (several divided by spaces)
//   latency_ms   attachment, host, ms (a number, or "unreachable")
// Relative names are below the folder of the YAML file.
#pragma once

#include <string>
#include <vector>

#include "api/config/yaml.h"

namespace mx2::optimizer {

// At most this many records of one file are read.
inline constexpr std::size_t kCsvRecordsMax = 2'000'000;

// `files` gets the files' names, `problems` what cannot be used of them: "file:line:column: …".
[[nodiscard]] config::Document with_csv_files(const config::Document& yaml,
                                              std::vector<std::string>& files,
                                              std::vector<std::string>& problems);

}  // namespace mx2::optimizer
