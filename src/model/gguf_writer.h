// Writes GGUF version 3 (model/gguf.h has the format), one tensor in memory at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "model/data_type.h"

namespace melete {

// Readers ask for the very type of a value, so that each has its own here.
using GgufFieldValue =
    std::variant<bool, uint32_t, int32_t, uint64_t, float, std::string, std::vector<bool>,
                 std::vector<uint32_t>, std::vector<int32_t>, std::vector<float>, std::vector<std::string>>;

struct GgufField {
  std::string key;
  GgufFieldValue value;
};

// One tensor to be written as `type`, one of is_quantiser_type(). values() is called once, when it is
// written, and gives as many floats as the shape has elements.
struct GgufTensor {
  std::string name;
  DataType type = DataType::f32;
  TensorShape shape;  // slowest first; the last side is a multiple of the type's block
  std::function<Result<std::vector<float>>()> values;
};

// The bytes before the data, which is aligned to 32: header, fields, tensor entries. Errors: invalid_argument
// (a name or key twice, a shape or type that can't be stored; `where` is named).
Result<std::string> gguf_header(std::span<const GgufField> fields, std::span<const GgufTensor> tensors,
                                std::string_view where);

// Writes one file beside `path`, syncs, renames over it. progress(bytes done, bytes in all) after each tensor
// may stop the writing with an Error. Errors: as above, unavailable (the disk), those of values().
using WriteProgress = std::function<Status(int64_t done, int64_t total)>;
Status write_gguf(const std::filesystem::path& path, std::span<const GgufField> fields,
                  std::span<const GgufTensor> tensors, const WriteProgress& progress = {});

}  // namespace melete
