// A range of code points as sequences of byte ranges: each sequence stands for all its combinations.
// Source: the splitting of Rust's utf8-ranges crate, after Thompson's grep.
#pragma once

#include <vector>

#include "engine/grammar/code_points.h"

namespace melete {

struct ByteRange {
  uint8_t first = 0, last = 0;
  auto operator<=>(const ByteRange&) const = default;
};

// One to four ranges each; together they match exactly the UTF-8 of the range's code points, none of which is
// a surrogate.
std::vector<std::vector<ByteRange>> utf8_ranges(CodePointRange range);

}  // namespace melete
