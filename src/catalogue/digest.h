// Checksums of files: SHA-256, and git's of a blob.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace melete {

// A checksum that grows with the bytes given to it. Algorithms: "sha256", "sha1".
class Digest {
 public:
  explicit Digest(const char* algorithm);
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void add(std::span<const std::byte> bytes);
  void add(std::string_view text) { add(std::as_bytes(std::span(text.data(), text.size()))); }
  std::string hex();  // lower case; nothing may be added afterwards

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Lower-case hex of a file's bytes. Errors: not_found, unavailable, cancelled (Ctrl-C).
Result<std::string> sha256_of_file(const std::filesystem::path& path);
Result<std::string> git_blob_of_file(const std::filesystem::path& path);  // sha1("blob SIZE\0" bytes)

}  // namespace melete
