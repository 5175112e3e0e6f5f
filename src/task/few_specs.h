// The spec hash of tasks whose specs are few: a hundredth of them for each of dev and test (split_of) would
// be a handful, so a tenth of them goes to each.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/random.h"

namespace melete {

inline uint64_t hash_of_few(std::string_view spec) {
  const uint64_t hash = stable_hash(spec);
  return hash - hash % 1000 + hash % 1000 / 10;
}

}  // namespace melete
