// How a model's matrices are kept in memory.
#pragma once

#include <string_view>

#include "base/result.h"

namespace melete {

// automatic: as near to the file as the kernels go: 8-bit and 5- and 6-bit
// blocks as w8, 4-bit blocks as w4 (both exactly, apart from 5 and 6 bits), everything else as f32.
enum class WeightType { automatic, f32, w8, w4 };

const char* name_of(WeightType type);  // "auto", "f32", "w8", "w4"

// Error: invalid_argument naming the types.
Result<WeightType> parse_weight_type(std::string_view name);

}  // namespace melete
