// The safetensors file format: a table of named tensors, read through a memory map (TensorFile::open) and
// written by rename.
//
// Format: u64 little-endian header length N, N bytes of JSON {"name": {"dtype", "shape", "data_offsets":
// [begin, end]}, "__metadata__": {string: string}}, then the data; offsets count from the end of the header.
// As the reference implementation, the data must be covered exactly: no overlap, no gap, no rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "model/tensor_file.h"

namespace melete {

// A .safetensors file or a model's folder, as TensorFile::open says.
Result<TensorFile> read_safetensors(const std::filesystem::path& path);

// Adds the tensors and metadata of one file, whose bytes outlive `result`. Errors: corrupt, naming `where`
// and the tensor.
Status add_safetensors(TensorFile& result, std::string_view bytes, const std::string& where);

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
