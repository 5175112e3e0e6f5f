// A read-only memory map of a whole file. It must not shrink while it is open (ours appear by rename, so they
// don't).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace melete {

// Changes with what a path means and with what is written to the file: any of these differs then.
struct FileStamp {
  uint64_t device = 0, inode = 0;
  int64_t size = 0, written_ns = 0, changed_ns = 0;  // since 1970: of the content, and of anything about it
};

class MappedFile {
 public:
  // Errors: not_found, unavailable, corrupt (empty, or no regular file).
  static Result<std::shared_ptr<const MappedFile>> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {static_cast<const char*>(data_), size_}; }
  const std::filesystem::path& path() const { return path_; }
  const FileStamp& stamp() const { return stamp_; }
  // Takes what has been read out of the process's memory; a later read maps it again.
  void forget_pages() const;
  // Nobody but the process's user can have written it.
  bool is_private() const { return is_private_; }

 private:
  MappedFile(std::filesystem::path path, void* data, const FileStamp& stamp, bool is_private)
      : path_(std::move(path)),
        data_(data),
        size_(static_cast<size_t>(stamp.size)),
        stamp_(stamp),
        is_private_(is_private) {}

  std::filesystem::path path_;
  void* data_;
  size_t size_;
  FileStamp stamp_;
  bool is_private_;
};

}  // namespace melete
