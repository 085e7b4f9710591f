// A tar that is written piece by piece, with bounded memory: by libarchive, in the pax format, so
// that neither names nor sizes are limited. Blocking; one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "api/base/result.h"

namespace mx2::archive {

class Writer {
 public:
  // Writes to "<path>.part", 0600, in the place of one that is there. unavailable with the reason.
  [[nodiscard]] static Result<std::unique_ptr<Writer>> create(const std::string& path);
  // Unless it was finished nothing is left.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Begins a regular file; exactly `size` bytes of it must follow before the next.
  [[nodiscard]] Result<void> begin(const std::string& name, std::uint64_t size);
  [[nodiscard]] Result<void> write(std::string_view bytes);
  // Flushes it to the disk and gives it its name, in the place of an older file.
  [[nodiscard]] Result<void> finish();

 private:
  struct Impl;
  explicit Writer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mx2::archive
