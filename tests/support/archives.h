// Archives as an attacker would write them: names, types and links as they are given.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace mx2::test {

struct ArchiveEntry {
  std::string name;
  std::string content = {};
  unsigned mode = 0644;
  unsigned type = AE_IFREG;
  std::string symlink = {};
  std::string hardlink = {};
};

enum class ArchiveKind { kZip, kTar, kTarGz, kTarZst };

inline void write_archive_entry(::archive* out, const ArchiveEntry& from) {
  const std::unique_ptr<::archive_entry, void (*)(::archive_entry*)> entry(archive_entry_new(),
                                                                           archive_entry_free);
  archive_entry_set_pathname(entry.get(), from.name.c_str());
  archive_entry_set_filetype(entry.get(), from.type);
  archive_entry_set_perm(entry.get(), from.mode);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(from.content.size()));
  if (!from.symlink.empty()) archive_entry_set_symlink(entry.get(), from.symlink.c_str());
  if (!from.hardlink.empty()) archive_entry_set_hardlink(entry.get(), from.hardlink.c_str());
  if (archive_write_header(out, entry.get()) < ARCHIVE_WARN) {
    throw std::runtime_error(archive_error_string(out));
  }
  archive_write_data(out, from.content.data(), from.content.size());
}

inline std::string write_archive(const std::string& path, ArchiveKind kind,
                                 const std::vector<ArchiveEntry>& entries) {
  const std::unique_ptr<::archive, int (*)(::archive*)> out(archive_write_new(),
                                                            archive_write_free);
  if (kind == ArchiveKind::kZip) {
    archive_write_set_format_zip(out.get());
  } else {
    archive_write_set_format_pax_restricted(out.get());
  }
  if (kind == ArchiveKind::kTarGz) archive_write_add_filter_gzip(out.get());
  if (kind == ArchiveKind::kTarZst) archive_write_add_filter_zstd(out.get());
  if (archive_write_open_filename(out.get(), path.c_str()) != ARCHIVE_OK) {
    throw std::runtime_error(archive_error_string(out.get()));
  }
  for (const auto& entry : entries) write_archive_entry(out.get(), entry);
  archive_write_close(out.get());
  return path;
}

}  // namespace mx2::test
