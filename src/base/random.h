// Counter-based random numbers: Philox4x32-10 (Salmon et al., SC'11, "Parallel Random Numbers: As Easy as 1,
// 2, 3").
//
// The n-th draw of (seed, stream) is a pure function of the three, so sampling, data and replay don't depend
// on threads, batches or the order in which streams are used.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"

namespace melete {

// One Philox block: 128 random bits from a 128-bit counter and a 64-bit key.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// Mixes values into one 64-bit seed (splitmix64 finaliser); use it to derive child seeds.
uint64_t mix_seed(uint64_t a, uint64_t b);

// 64-bit FNV-1a of bytes, for stream names and spec hashes; stable across platforms.
uint64_t stable_hash(std::string_view bytes);

class Random {
 public:
  explicit Random(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  uint32_t next_u32();
  uint64_t next_u64();
  double uniform();  // [0, 1), 53 bits
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  int64_t integer(int64_t low, int64_t high);  // both ends included, unbiased; CHECKs low <= high
  bool chance(double probability) { return uniform() < probability; }
  double normal();  // mean 0, deviation 1 (Box-Muller, one draw a call)

  template <class Range>
  const auto& pick(const Range& range) {
    MELETE_CHECK(std::size(range) > 0);
    return range[static_cast<size_t>(integer(0, static_cast<int64_t>(std::size(range)) - 1))];
  }

  template <class T>
  void shuffle(std::vector<T>& values) {
    for (size_t i = values.size(); i > 1; --i)
      std::swap(values[i - 1], values[static_cast<size_t>(integer(0, static_cast<int64_t>(i) - 1))]);
  }

 private:
  uint64_t seed_, stream_;
  uint64_t block_ = 0;
  std::array<uint32_t, 4> buffer_{};
  int left_ = 0;
};

}  // namespace melete
