// A file that is written in pieces and appears at its path only when it is complete.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "base/result.h"

namespace melete {

// Writes to a temporary file beside `path` (whose folders are made); without commit() it is removed. Errors:
// unavailable, naming the path.
class RenamedFile {
 public:
  explicit RenamedFile(const std::filesystem::path& path);
  ~RenamedFile();
  RenamedFile(const RenamedFile&) = delete;
  RenamedFile& operator=(const RenamedFile&) = delete;

  Status write(std::span<const std::byte> bytes);
  Status commit();  // syncs and renames over `path`

 private:
  Error error() const;

  std::filesystem::path path_;
  std::string temporary_;
  int fd_ = -1;
  bool committed_ = false;
};

}  // namespace melete
