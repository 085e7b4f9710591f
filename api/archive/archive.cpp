#include "api/archive/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "api/base/text.h"

namespace mx2::archive {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlockBytes = 64 << 10;
constexpr std::size_t kComponentBytesMax = 255;
constexpr std::size_t kNameBytesMax = 4096;
constexpr std::size_t kShownBytesMax = 80;
constexpr std::uint64_t kRatioFreeBytes = 1 << 20;
constexpr mode_t kExecutable = 0755;
constexpr mode_t kPlain = 0644;

struct Closer {
  void operator()(::archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<::archive, Closer>;

Error refused(const char* cause, std::string detail) {
  return refused_as(ErrorCode::kInvalidArgument, std::move(detail), cause);
}

// What may be told of a name that nobody has checked.
std::string shown(const std::string& name) {
  std::string out = name.substr(0, kShownBytesMax);
  std::replace_if(
      out.begin(), out.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return "'" + out + (name.size() > kShownBytesMax ? "…'" : "'");
}

Error broken(::archive* reader) {
  auto error = refused("bad-archive", "the archive is damaged or of an unknown format");
  const char* text = archive_error_string(reader);
  error.internal_text = text != nullptr ? text : "";
  return error;
}

// Formats and filters by name: "all" would include those that run other programs. zip by its
// central directory alone, so that what is at the end of the file decides, for us as for everybody.
Result<Reader> open(const std::string& path) {
  Reader reader(archive_read_new());
  if (!reader) return internal("archive_read_new");
  archive_read_support_format_zip_seekable(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_bzip2(reader.get());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_filter_zstd(reader.get());
  if (::access(path.c_str(), R_OK) != 0) {
    return unavailable("the archive cannot be opened", path + ": " + std::strerror(errno));
  }
  if (archive_read_open_filename(reader.get(), path.c_str(), kBlockBytes) != ARCHIVE_OK) {
    return broken(reader.get());
  }
  return reader;
}

bool has_control(const std::string& name) {
  return std::any_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '\\';
  });
}

// "./a//b/" -> "a/b"; empty for the root itself.
Result<std::string> relative_name(const std::string& name) {
  if (name.size() > kNameBytesMax) return refused("bad-entry", shown(name) + " is too long a name");
  if (has_control(name)) {
    return refused("bad-entry", shown(name) + " has a backslash or a control character");
  }
  if (name.starts_with('/')) return refused("path-traversal", shown(name) + " is absolute");
  std::string out;
  for (const auto part : split(name, '/')) {
    if (part == "..") return refused("path-traversal", shown(name) + " leads out of the archive");
    if (part.size() > kComponentBytesMax) {
      return refused("bad-entry", shown(name) + " is too long a name");
    }
    if (part.empty() || part == ".") continue;
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

Result<std::string> name_of(::archive_entry* entry) {
  const char* name = archive_entry_pathname_utf8(entry);
  if (name == nullptr) name = archive_entry_pathname(entry);
  if (name == nullptr) return refused("bad-entry", "an entry has a name that cannot be read");
  return relative_name(name);
}

struct Entry {
  std::string name;
  bool directory = false;
  bool executable = false;
};

// Walks an archive, and says no as soon as something exceeds the limits.
class Walk {
 public:
  Walk(Reader reader, std::uint64_t packed, const Limits& limits)
      : reader_(std::move(reader)), packed_(packed), limits_(limits) {}

  // False at the end.
  Result<bool> next(Entry& out) {
    ::archive_entry* entry = nullptr;
    const int code = archive_read_next_header(reader_.get(), &entry);
    if (code == ARCHIVE_EOF) return false;
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return broken(reader_.get());
    if (++entries_ > limits_.entries_max) {
      return refused("too-many-entries", "the archive has more than " +
                                             std::to_string(limits_.entries_max) + " entries");
    }
    if (auto in_bounds = check_bounds(); !in_bounds) return in_bounds.error();
    auto name = name_of(entry);
    if (!name) return name.error();
    out.name = std::move(*name);
    if (auto kind = check_kind(entry, out); !kind) return kind.error();
    return true;
  }

  // The content of the entry last met, in pieces.
  template <typename Sink>
  Result<void> content(const Entry& entry, std::uint64_t bytes_max, Sink&& sink) {
    std::uint64_t size = 0;
    for (;;) {
      const auto n = archive_read_data(reader_.get(), block_.data(), block_.size());
      if (n < 0) return broken(reader_.get());
      if (n == 0) return {};
      size += static_cast<std::uint64_t>(n);
      written_ += static_cast<std::uint64_t>(n);
      if (size > bytes_max) return too_large(entry.name, bytes_max);
      if (auto in_bounds = check_bounds(); !in_bounds) return in_bounds;
      if (auto taken = sink(block_.data(), static_cast<std::size_t>(n)); !taken) return taken;
    }
  }

 private:
  static Error too_large(const std::string& name, std::uint64_t bytes_max) {
    return refused("too-large",
                   shown(name) + " has more than " + std::to_string(bytes_max) + " bytes");
  }

  // Counts what was decompressed without being written, too: headers, and files that are skipped.
  Result<void> check_bounds() const {
    const auto filtered = archive_filter_bytes(reader_.get(), 0);
    const auto total =
        std::max(written_, static_cast<std::uint64_t>(std::max<la_int64_t>(0, filtered)));
    if (written_ > limits_.total_bytes_max || total > 2 * limits_.total_bytes_max + packed_) {
      return refused("too-large", "the archive holds more than " +
                                      std::to_string(limits_.total_bytes_max) + " bytes");
    }
    if (total > kRatioFreeBytes && total > packed_ * limits_.ratio_max) {
      return refused("too-large", "the archive unpacks to more than " +
                                      std::to_string(limits_.ratio_max) + " times its size");
    }
    return {};
  }

  Result<void> check_kind(::archive_entry* entry, Entry& out) const {
    const auto type = archive_entry_filetype(entry);
    // A hard link of tar is a regular file by its type.
    const bool link =
        archive_entry_hardlink(entry) != nullptr || archive_entry_symlink(entry) != nullptr;
    out.directory = type == AE_IFDIR;
    if (link || (type != AE_IFREG && !out.directory)) {
      return refused("bad-entry", shown(out.name) + " is neither a regular file nor a directory");
    }
    if (archive_entry_is_encrypted(entry) != 0) {
      return refused("bad-entry", shown(out.name) + " is encrypted");
    }
    if (out.name.empty() && !out.directory) return refused("bad-entry", "a file has no name");
    const auto size = archive_entry_size(entry);
    if (size < 0) return refused("bad-entry", shown(out.name) + " has an impossible size");
    if (!out.directory && static_cast<std::uint64_t>(size) > limits_.file_bytes_max) {
      return too_large(out.name, limits_.file_bytes_max);
    }
    out.executable = (archive_entry_perm(entry) & 0111U) != 0;
    return {};
  }

  Reader reader_;
  std::uint64_t packed_;
  const Limits& limits_;
  std::size_t entries_ = 0;
  std::uint64_t written_ = 0;
  std::vector<char> block_ = std::vector<char>(kBlockBytes);
};

Result<Walk> walk(const std::string& path, const Limits& limits) {
  auto reader = open(path);
  if (!reader) return reader.error();
  std::error_code failed;
  const auto packed = fs::file_size(path, failed);
  if (failed) return unavailable("the archive cannot be read", path + ": " + failed.message());
  return Walk(std::move(*reader), packed, limits);
}

Error cannot_write(const std::string& path) {
  return unavailable("the archive cannot be unpacked here", path + ": " + std::strerror(errno));
}

// Created, written and closed; never one that was there.
class NewFile {
 public:
  explicit NewFile(const std::string& path)
      : descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                           S_IRUSR | S_IWUSR)) {}
  ~NewFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] bool write(const char* data, std::size_t size) const {
    while (size > 0) {
      const auto n = ::write(descriptor_, data, size);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      data += n;
      size -= static_cast<std::size_t>(n);
    }
    return true;
  }
  [[nodiscard]] bool finish(mode_t mode) {
    const bool done = ::fchmod(descriptor_, mode) == 0;
    return ::close(std::exchange(descriptor_, -1)) == 0 && done;
  }

 private:
  int descriptor_;
};

class Unpacker {
 public:
  Unpacker(Walk& walk, std::string directory, const Limits& limits)
      : walk_(walk), directory_(std::move(directory)), limits_(limits) {}

  Result<void> run() {
    Entry entry;
    for (;;) {
      auto more = walk_.next(entry);
      if (!more) return more.error();
      if (!*more) return {};
      if (entry.name.empty()) continue;
      if (!names_.insert(entry.name).second) {
        return refused("bad-entry", shown(entry.name) + " appears twice");
      }
      auto done = entry.directory ? make_directories(entry.name) : write_file(entry);
      if (!done) return done;
    }
  }

 private:
  // Every component, as ours: an archive need not list directories, and umask is not asked.
  Result<void> make_directories(const std::string& name) {
    for (std::size_t end = 0; end != std::string::npos;) {
      end = name.find('/', end + 1);
      const auto path = directory_ + "/" + name.substr(0, end);
      if (::mkdir(path.c_str(), S_IRWXU) == 0) {
        if (::chmod(path.c_str(), kExecutable) != 0) return cannot_write(path);
        continue;
      }
      if (errno != EEXIST) return cannot_write(path);
      if (!fs::is_directory(fs::symlink_status(path))) {
        return refused("bad-entry", shown(name) + " is below a file");
      }
    }
    return {};
  }

  Result<void> write_file(const Entry& entry) {
    if (const auto slash = entry.name.rfind('/'); slash != std::string::npos) {
      if (auto made = make_directories(entry.name.substr(0, slash)); !made) return made;
    }
    const auto path = directory_ + "/" + entry.name;
    NewFile file(path);
    if (!file.is_open() && errno == EEXIST) {
      return refused("bad-entry", shown(entry.name) + " is a file and a directory");
    }
    if (!file.is_open()) return cannot_write(path);
    auto copied = walk_.content(entry, limits_.file_bytes_max,
                                [&](const char* data, std::size_t size) -> Result<void> {
                                  if (!file.write(data, size)) return cannot_write(path);
                                  return {};
                                });
    if (!copied) return copied;
    if (!file.finish(entry.executable ? kExecutable : kPlain)) return cannot_write(path);
    return {};
  }

  Walk& walk_;
  std::string directory_;
  const Limits& limits_;
  std::set<std::string> names_;
};

void clear(const std::string& directory) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

Result<std::string> read_member(const std::string& archive, const std::string& name,
                                std::size_t bytes_max) {
  const Limits limits;
  auto walking = walk(archive, limits);
  if (!walking) return walking.error();
  for (Entry entry;;) {
    const auto more = walking->next(entry);
    if (!more) return more.error();
    if (!*more) return not_found("the archive has no " + name);
    if (entry.name != name || entry.directory) continue;
    std::string content;
    auto read = walking->content(entry, bytes_max, [&](const char* data, std::size_t size) {
      content.append(data, size);
      return Result<void>();
    });
    if (!read) return read.error();
    return content;
  }
}

Result<void> unpack(const std::string& archive, const std::string& directory,
                    const Limits& limits) {
  std::error_code failed;
  if (!fs::is_empty(directory, failed) || failed) {
    return unavailable("the archive cannot be unpacked here",
                       directory + ": " + (failed ? failed.message() : "not empty"));
  }
  auto walking = walk(archive, limits);
  if (!walking) return walking.error();
  auto done = Unpacker(*walking, directory, limits).run();
  if (!done) clear(directory);
  return done;
}

}  // namespace mx2::archive
