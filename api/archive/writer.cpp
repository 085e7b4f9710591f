#include "api/archive/writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <utility>

#include "api/base/fd.h"

namespace mx2::archive {
namespace {

constexpr mode_t kOwnerAlone = S_IRUSR | S_IWUSR;

struct WriteCloser {
  void operator()(::archive* writer) const { archive_write_free(writer); }
};
struct EntryCloser {
  void operator()(::archive_entry* entry) const { archive_entry_free(entry); }
};

Error not_written(const std::string& path, int code) {
  return unavailable(
      path + " cannot be written: " +
      (code == ENOSPC || code == EDQUOT ? "the disk is full" : std::string(std::strerror(code))));
}

}  // namespace

struct Writer::Impl {
  std::string path;
  std::string part;
  Fd file;
  std::unique_ptr<::archive, WriteCloser> writer;
  std::uint64_t left = 0;  // of the file that was begun

  [[nodiscard]] Error error() const { return not_written(path, archive_errno(writer.get())); }
};

Writer::Writer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Writer::~Writer() {
  impl_->writer.reset();
  if (impl_->file.is_open()) ::unlink(impl_->part.c_str());
}

Result<std::unique_ptr<Writer>> Writer::create(const std::string& path) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->part = path + ".part";
  ::unlink(impl->part.c_str());
  impl->file = Fd(::open(impl->part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerAlone));
  if (!impl->file.is_open()) return not_written(path, errno);
  auto writer = std::unique_ptr<Writer>(new Writer(std::move(impl)));
  auto& made = *writer->impl_;
  made.writer.reset(archive_write_new());
  if (!made.writer) return internal("archive_write_new");
  if (archive_write_set_format_pax_restricted(made.writer.get()) != ARCHIVE_OK ||
      archive_write_open_fd(made.writer.get(), made.file.get()) != ARCHIVE_OK) {
    return made.error();
  }
  return writer;
}

Result<void> Writer::begin(const std::string& name, std::uint64_t size) {
  if (impl_->left != 0) return internal("a file of an archive is not complete");
  const std::unique_ptr<::archive_entry, EntryCloser> entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), kOwnerAlone);
  archive_entry_set_mtime(entry.get(), std::time(nullptr), 0);
  if (archive_write_header(impl_->writer.get(), entry.get()) != ARCHIVE_OK) return impl_->error();
  impl_->left = size;
  return {};
}

Result<void> Writer::write(std::string_view bytes) {
  if (bytes.size() > impl_->left) return internal("a file of an archive is longer than said");
  while (!bytes.empty()) {
    const auto n = archive_write_data(impl_->writer.get(), bytes.data(), bytes.size());
    if (n <= 0) return impl_->error();
    bytes.remove_prefix(static_cast<std::size_t>(n));
    impl_->left -= static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> Writer::finish() {
  if (impl_->left != 0) return internal("a file of an archive is not complete");
  if (archive_write_close(impl_->writer.get()) != ARCHIVE_OK) return impl_->error();
  if (::fsync(impl_->file.get()) != 0 || ::rename(impl_->part.c_str(), impl_->path.c_str()) != 0) {
    return not_written(impl_->path, errno);
  }
  impl_->file = Fd();
  const auto parent = std::filesystem::path(impl_->path).parent_path();
  const Fd folder(
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.is_open()) static_cast<void>(::fsync(folder.get()));
  return {};
}

}  // namespace mx2::archive
