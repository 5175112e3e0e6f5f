// The safetensors file format: a table of named tensors, read through a memory map and written by rename.
//
// Format: u64 little-endian header length N, N bytes of JSON {"name": {"dtype", "shape", "data_offsets":
// [begin, end]},
// "__metadata__": {string: string}}, then the data; offsets count from the end of the header. As the
// reference implementation, the data must be covered exactly: no overlap, no gap, no rest. Nothing of a file
// is believed before it has been compared with the file's size. Files must not shrink while they are open
// (ours appear by rename, so they don't).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace melete {

enum class DataType { f64, f32, f16, bf16, i64, u64, i32, u32, i16, u16, i8, u8, boolean, f8_e4m3, f8_e5m2 };

const char* name_of(DataType type);  // the format's spelling: "F32", "BF16", ...
int64_t bytes_of(DataType type);

using TensorShape = std::vector<int64_t>;
std::string to_string(const TensorShape& shape);  // "[2, 3]"

// One tensor of a file that is open. `bytes` may be unaligned; the element count is at most bytes.size().
struct TensorView {
  DataType type = DataType::f32;
  TensorShape shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const std::string> file;  // its path, for messages

  int64_t num_elements() const { return static_cast<int64_t>(bytes.size()) / bytes_of(type); }
};

class MappedFile;

// The tensors of one file, or of all shards of a model folder.
class TensorFile {
 public:
  // `path`: a .safetensors file, or a folder with model.safetensors or model.safetensors.index.json (whose
  // weight_map must name each tensor's shard exactly; shards lie in the same folder). Errors: not_found,
  // unavailable, corrupt; each names the file, and the tensor where there is one.
  static Result<TensorFile> open(const std::filesystem::path& path);

  // The same over bytes in memory, which must outlive the result.
  static Result<TensorFile> parse(std::string_view bytes, std::string_view where);

  const std::map<std::string, TensorView, std::less<>>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const TensorView* find(std::string_view name) const;  // null if absent
  const std::string& name() const { return name_; }     // the path that was opened

  // float32 values of an F32, F16, BF16 or F64 tensor. Errors: not_found, invalid_argument (another type; for
  // the second form, an element count other than out.size()).
  Result<std::vector<float>> floats(std::string_view name) const;
  Status copy_floats(std::string_view name, std::span<float> out) const;

  // Values of an I64, I32, I16, I8, U8, U16, U32 or BOOL tensor. Errors as above.
  Result<std::vector<int64_t>> integers(std::string_view name) const;

 private:
  Status add_file(std::string_view bytes, const std::string& where);
  Result<const TensorView*> require(std::string_view name) const;

  std::string name_;
  std::vector<std::shared_ptr<const MappedFile>> files_;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::map<std::string, std::string> metadata_;
};

// One tensor to be written: float values are stored as `type` f32 or bf16 (rounded to nearest even), integers
// as i64, raw bytes as they are. The values belong to the caller and are read once, in chunks.
struct TensorSource {
  std::string name;
  DataType type = DataType::f32;
  TensorShape shape;
  std::variant<std::span<const float>, std::span<const int64_t>, std::span<const std::byte>> values;
};

using TensorMetadata = std::map<std::string, std::string>;

// Writes one file beside `path`, syncs, renames over it. {"format": "pt"} is added to the metadata, which
// other loaders ask for. Errors: invalid_argument (a name twice, values that don't fit type and shape),
// unavailable (the disk).
Status write_safetensors(const std::filesystem::path& path, std::span<const TensorSource> tensors,
                         const TensorMetadata& metadata = {});

// Writes model.safetensors, or, above max_shard_bytes of data, model-00001-of-0000N.safetensors with
// model.safetensors.index.json, into `folder`; the other form's files of an earlier save are removed last.
Status write_model_tensors(const std::filesystem::path& folder, std::span<const TensorSource> tensors,
                           const TensorMetadata& metadata = {}, int64_t max_shard_bytes = int64_t{5} << 30);

}  // namespace melete
