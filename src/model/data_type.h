// How the numbers of a tensor are stored, and a view of one stored tensor.
//
// Plain types store one element after the other. Block formats (GGUF's, model/block_formats.h) store blocks
// of 32 or 256 elements that lie behind each other in a row; a row is then a whole number of blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace melete {

enum class DataType {
  f64,
  f32,
  f16,
  bf16,
  i64,
  u64,
  i32,
  u32,
  i16,
  u16,
  i8,
  u8,
  boolean,
  f8_e4m3,
  f8_e5m2,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q4_k,
  q5_k,
  q6_k
};

const char* name_of(DataType type);     // the formats' spelling: "F32", "BF16", "Q4_K", ...
int64_t block_elements(DataType type);  // 1 for a plain type
int64_t block_bytes(DataType type);     // bytes of block_elements(type) elements
inline bool is_block_type(DataType type) { return block_elements(type) > 1; }

using TensorShape = std::vector<int64_t>;
std::string to_string(const TensorShape& shape);  // "[2, 3]"

// A name as messages show it: quoted, without control characters, at most 200 bytes of it.
std::string quoted_name(std::string_view name);

// One tensor of a file that is open. shape: slowest first, [out, in] for a matrix. `bytes` may be unaligned;
// it holds exactly the blocks that type and shape need.
struct TensorView {
  DataType type = DataType::f32;
  TensorShape shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const std::string> file;  // its path, for messages

  int64_t num_elements() const {
    return static_cast<int64_t>(bytes.size()) / block_bytes(type) * block_elements(type);
  }
};

}  // namespace melete
