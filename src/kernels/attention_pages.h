// Pages of 16 positions: how the keys and values of one layer lie in memory.
//
// Of each kv head g, in this order, every part padded to 64 bytes:
//   f32   keys [K][16] (a position is a column), values [16][K padded to 16]
//   bf16  the same, rounded to bfloat16 (ties to even) and widened exactly when read
//   int16 keys [K / 2 rounded up][16][2] of round(x n / amax), ties to even, amax over the K channels of one
//         position and head, n = floor(sqrt((2^31 - 1) / K)) so that the product of two such rows fits 32
//         bits; as f32 scales [16] = amax / n of the keys, then of the values log2 of their scales [16] and
//         the scales' inverses [16]; values [8][K padded to 16][2]: pairs of neighbouring positions side by
//         side, rounded likewise with n = 4095
//   int8  keys [K / 4 rounded up][16][4] of 128 + round(y 127 / amax), where y is x rotated by Hadamard
//         matrices (2404.00456), so that no channel's size costs the others their precision, and amax over y;
//         scales as int16's; values [4][K padded to 16][4]: four neighbouring positions side by side, rounded
//         with n = 127
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace melete {

inline constexpr int64_t kPagePositions = 16;
inline constexpr int64_t pages_for(int64_t positions) {
  return (positions + kPagePositions - 1) / kPagePositions;
}

enum class KvType : int32_t { f32, bf16, int8, int16 };

std::string_view name_of(KvType type);

constexpr bool is_integer(KvType type) { return type == KvType::int8 || type == KvType::int16; }

// The greatest rounded value: of int16 keys and queries, of values, and of the weights that meet those. Sums
// of K, and of the 64 products of a chunk of positions, stay below 2^31.
int32_t key_limit(int64_t head_dim);
constexpr int32_t value_limit(KvType type) { return type == KvType::int8 ? 127 : 4095; }
constexpr int32_t weight_limit(KvType type) { return type == KvType::int8 ? 255 : 8191; }

// Channels that int8's keys and queries are rotated together: the greatest power of two that divides K, whose
// matrix of ones and minus ones takes products to that many times themselves. 1: they stay.
inline constexpr int64_t kMostRotated = 256;
constexpr int64_t rotated_together(int64_t head_dim) {
  return head_dim > kMostRotated ? 1 : head_dim & -head_dim;
}

// H query heads, G kv heads, K channels of a head.
struct HeadShape {
  int64_t heads = 0, kv_heads = 0, head_dim = 0;

  int64_t padded() const { return (head_dim + 15) / 16 * 16; }
};

// One layer's part of a page; sizes and offsets in bytes.
struct PageShape {
  HeadShape heads;
  KvType type = KvType::f32;

  int64_t key_bytes() const {
    return kPagePositions * (type == KvType::f32 ? 4 : type == KvType::int8 ? 1 : 2);
  }
  int64_t value_bytes() const { return type == KvType::f32 ? 4 : type == KvType::int8 ? 1 : 2; }
  int64_t scales_offset() const { return (heads.head_dim * key_bytes() + 63) / 64 * 64; }
  int64_t values_offset() const { return scales_offset() + (is_integer(type) ? 3 * kPagePositions * 4 : 0); }
  int64_t head_bytes() const { return values_offset() + kPagePositions * heads.padded() * value_bytes(); }
  int64_t bytes() const { return heads.kv_heads * head_bytes(); }
};

// Writes one position's k and v (each G * K) into its place 0..15 of a layer's part, which must have started
// as zeros. Under integer types a row of k with an infinity or NaN gives NaN scores, one of v NaN.
void write_page(const PageShape& shape, const float* k, const float* v, int64_t place, std::byte* part);

// One position's k and v (each G * K), and the place of a layer's part where they belong.
struct PageWrite {
  const float *k = nullptr, *v = nullptr;
  int64_t place = 0;
  std::byte* part = nullptr;
};

// The values that attention sees at a place, each G * K: what was written, after rounding.
void read_page(const PageShape& shape, const std::byte* part, int64_t place, float* k, float* v);

}  // namespace melete
