// How a model's matrices are kept in memory.
#pragma once

#include <string_view>

#include "base/result.h"

namespace melete {

// automatic: as near to the file as the kernels go: bfloat16 as bf16, 8-bit, 5-bit and 6-bit blocks as w8,
// 4-bit blocks as w4 (exactly, apart from 5 and 6 bits), everything else as f32. bf16 gives the bits that f32
// of the same values gives. w8 takes activations in 16 bits, w8a8 in 8, which is faster for prompts and
// batches and rounds more; so do w4 and the blocks of files under automatic (kernels/quant.h). Under w8 and
// w8a8 blocks of 4 bits stay what they are, which is exact where rounding them to 8 bits isn't. w4 keeps as
// w8 a head of more bits, and of files without 4-bit blocks the matrices whose errors show most: values, and
// what is added to the residual stream.
enum class WeightType { automatic, f32, bf16, w8, w8a8, w4 };

const char* name_of(WeightType type);  // "auto", "f32", "bf16", "w8", "w8a8", "w4"

// Error: invalid_argument naming the types.
Result<WeightType> parse_weight_type(std::string_view name);

}  // namespace melete
