// write_file() in parts, for what is too large to hold twice.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace melete {

// A file that appears by rename when it is whole; creates parent folders. The old file survives any error.
class FileWriter {
 public:
  static Result<FileWriter> create(const std::filesystem::path& path);
  FileWriter(FileWriter&& other) noexcept;
  FileWriter& operator=(FileWriter&&) = delete;
  ~FileWriter();  // without commit(): nothing was written

  Status write(std::string_view bytes);
  Status write(std::span<const std::byte> bytes);
  Status commit(unsigned mode = 0644);

 private:
  FileWriter(std::filesystem::path path, std::string temporary, int fd)
      : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}
  std::filesystem::path path_;
  std::string temporary_;
  int fd_;
};

}  // namespace melete
