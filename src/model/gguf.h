// The GGUF file format, versions 2 and 3: metadata and named tensors, read through a memory map.
//
// Format (little-endian): "GGUF", u32 version, u64 tensor count, u64 metadata count; metadata entries (string
// key, u32 type, value); tensor entries (string name, u32 dimensions, u64 sizes with the fastest first, u32
// type, u64 offset from the data's start); then the data, aligned to general.alignment (32). Strings are u64
// length and bytes; arrays u32 type, u64 count, values. A split model is NAME-00001-of-0000N.gguf and so on,
// with split.no, split.count and split.tensors.count in each part.
//
// Shapes are given slowest first, the reverse of the file's order: a matrix is [out, in]. Nothing is believed
// before it has been compared with the file's size: counts, lengths, offsets and overlaps are checked, and an
// error names the file and the key or tensor.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "model/tensor_file.h"

namespace melete {

// A metadata value. Integers of every width are int64_t (uint64_t only above its range), floats double. The
// strings are views of the file's map.
using GgufValue =
    std::variant<bool, int64_t, uint64_t, double, std::string_view, std::vector<bool>, std::vector<int64_t>,
                 std::vector<uint64_t>, std::vector<double>, std::vector<std::string_view>>;

std::string to_string(const GgufValue& value, size_t max_items = 8);  // for lists of metadata

class GgufFile {
 public:
  // `path`: a .gguf file; for a split model any of its parts, the others lie beside it. Errors: not_found,
  // unavailable, corrupt, invalid_argument (a tensor type that isn't supported, named with those that are).
  static Result<GgufFile> open(const std::filesystem::path& path);

  // One unsplit file in memory, which must outlive the result.
  static Result<GgufFile> parse(std::string_view bytes, std::string_view where);

  const TensorFile& tensors() const { return tensors_; }
  const std::map<std::string, GgufValue, std::less<>>& metadata() const { return metadata_; }
  const std::string& name() const { return tensors_.name(); }
  const GgufValue* find(std::string_view key) const;  // null if absent
  bool has(std::string_view key) const { return find(key) != nullptr; }

  // general.architecture, or "" if absent.
  std::string architecture() const;

  // Values of a key. Errors: not_found; invalid_argument if it has another type (an integer counts as a
  // float, a single value as a list of one). The second form gives `otherwise` if the key is absent.
  Result<int64_t> integer(std::string_view key) const;
  Result<double> number(std::string_view key) const;
  Result<bool> boolean(std::string_view key) const;
  Result<std::string> text(std::string_view key) const;
  Result<int64_t> integer(std::string_view key, int64_t otherwise) const;
  Result<double> number(std::string_view key, double otherwise) const;
  Result<bool> boolean(std::string_view key, bool otherwise) const;
  Result<std::string> text(std::string_view key, std::string_view otherwise) const;
  Result<std::vector<int64_t>> integers(std::string_view key) const;
  Result<std::vector<double>> numbers(std::string_view key) const;
  Result<std::vector<std::string>> texts(std::string_view key) const;

 private:
  TensorFile tensors_;
  std::map<std::string, GgufValue, std::less<>> metadata_;
};

}  // namespace melete
