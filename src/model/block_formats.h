// GGUF's number formats: to float, to the integers that quantised kernels take, and from float.
//
// Layouts are ggml's. A Q4_0, Q4_1, Q5_0, Q5_1 or Q8_0 block holds 32 elements, a Q4_K, Q5_K or Q6_K block
// 256:
//   Q8_0  w = d q           d f16; q int8
//   Q4_0  w = d (q - 8)     d f16; q 4 bits          Q4_1  w = d q + m   d, m f16
//   Q5_0  w = d (q - 16)    q 5 bits                 Q5_1  w = d q + m
//   Q4_K  w = d s q - e z   d, e f16; s, z 6 bits per 32 elements; q 4 bits;   Q5_K: q 5 bits
//   Q6_K  w = d s q         s int8 per 16 elements; q in [-32, 31]
// Values equal ggml's reference (dequantize_row_*): each product is exact in float, the sum rounds once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/data_type.h"

namespace melete {

// Whether to_floats takes the type: F32, F16, BF16, F64 and every block format.
bool is_float_type(DataType type);

// values [n]: all elements of `bytes`, which holds n elements of `type` (CHECKed) and may be unaligned.
void to_floats(DataType type, std::span<const std::byte> bytes, std::span<float> values);

// One row, or any whole number of blocks, as integers. n is a multiple of 32; values [n], scales and offsets
// [n / 32]; sizes are CHECKed.
//   unpack_w8: Q8_0.                w = values * scales[group]
//   unpack_w4: Q4_0, Q4_1, Q4_K.    w = values * scales[group] + offsets[group], values in [0, 15]
// Offsets are -8 scale for Q4_0; for Q4_K scales are d s and offsets -(e z). Every product of a scale is
// exact in float, so that the sum rounds once, with or without fma, and equals to_floats().
inline bool has_w8(DataType type) { return type == DataType::q8_0; }
inline bool has_w4(DataType type) {
  return type == DataType::q4_0 || type == DataType::q4_1 || type == DataType::q4_k;
}
void unpack_w8(DataType type, std::span<const std::byte> bytes, std::span<int8_t> values,
               std::span<float> scales);
void unpack_w4(DataType type, std::span<const std::byte> bytes, std::span<uint8_t> values,
               std::span<float> scales, std::span<float> offsets);

// Q4_K's scales and offsets as the products that they are: s = scale[g / 2] scale_factor[g], likewise
// offsets.
struct Q4KFactors {
  std::span<float> scale, offset;                  // [n / 64], halves: d and -e
  std::span<uint8_t> scale_factor, offset_factor;  // [n / 32]
};
void unpack_q4_k(std::span<const std::byte> bytes, std::span<uint8_t> values, const Q4KFactors& to);

// Whether from_floats takes the type: F32, F16, BF16, Q8_0, Q4_0, Q4_1.
bool is_quantiser_type(DataType type);

// Rounds as ggml's quantize_row_*_ref: Q8_0 half away from zero of x 127 / amax; Q4_0 and Q4_1 with the scale
// of the extreme value and + 8.5 (+ 0.5) cut off. values.size() is a multiple of block_elements(type),
// `bytes` has exactly the blocks (both CHECKed).
void from_floats(DataType type, std::span<const float> values, std::span<std::byte> bytes);

}  // namespace melete
