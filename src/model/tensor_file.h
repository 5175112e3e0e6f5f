// The named tensors of an open file, whatever its format: safetensors (model/safetensors.h) or GGUF
// (model/gguf.h).
//
// Tensors are views of a memory map that lives as long as the TensorFile or a copy of it. Nothing of a file
// is believed before it has been compared with the file's size.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/data_type.h"
#include "model/mapped_file.h"

namespace melete {

class TensorFile {
 public:
  // `path`: a .gguf file (any part of a split one), a .safetensors file, or a folder with model.safetensors
  // or model.safetensors.index.json (whose weight_map must name each tensor's shard exactly; shards lie in
  // the same folder). Errors: not_found, unavailable, corrupt; each names the file, and the tensor where
  // there is one.
  static Result<TensorFile> open(const std::filesystem::path& path);

  // Safetensors in memory, which must outlive the result.
  static Result<TensorFile> parse(std::string_view bytes, std::string_view where);

  // For readers of formats.
  TensorFile() = default;
  explicit TensorFile(std::string name) : name_(std::move(name)) {}
  bool add(std::string name, TensorView view);  // false if the name is taken
  void keep(std::shared_ptr<const MappedFile> file) { files_.push_back(std::move(file)); }
  void keep_files_of(const TensorFile& other) {
    files_.insert(files_.end(), other.files_.begin(), other.files_.end());
  }
  void forget_pages() const {  // of all files; a later read maps them again
    for (const auto& file : files_) file->forget_pages();
  }
  void add_metadata(std::map<std::string, std::string>&& metadata) { metadata_.merge(metadata); }

  const std::map<std::string, TensorView, std::less<>>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }  // safetensors' strings
  const TensorView* find(std::string_view name) const;                              // null if absent
  const std::string& name() const { return name_; }  // the path that was opened

  // A line for each file, "SIZE WRITTEN CHANGED DEVICE INODE FOLDER/NAME": differs once one was written or
  // replaced. Empty if a tensor lies in memory.
  std::string identity() const;

  // float32 values of a tensor of F32, F16, BF16, F64 or a block format. Errors: not_found, invalid_argument
  // (another type; for the second form, an element count other than out.size()).
  Result<std::vector<float>> floats(std::string_view name) const;
  Status copy_floats(std::string_view name, std::span<float> out) const;

  // Values of an I64, I32, I16, I8, U8, U16, U32 or BOOL tensor. Errors as above.
  Result<std::vector<int64_t>> integers(std::string_view name) const;

 private:
  Result<const TensorView*> require(std::string_view name) const;

  std::string name_;
  std::vector<std::shared_ptr<const MappedFile>> files_;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace melete
