// Bounds on what a model's config may state. They keep every product of two sizes far below 2^63, so that no
// later arithmetic can overflow.
#pragma once

#include <cstdint>
#include <string>

#include "base/check.h"

namespace melete {

inline constexpr int64_t kMaxWidth = int64_t{1} << 17;
inline constexpr int64_t kMaxLayers = 1024;
inline constexpr int64_t kMaxVocabulary = int64_t{1} << 24;
inline constexpr int64_t kMaxPositions = int64_t{1} << 30;

// Empty, or what must hold and what was given.
inline std::string range_problem(const char* name, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return {};
  return cat(name, " must be between ", low, " and ", high, ", got ", value);
}

}  // namespace melete
