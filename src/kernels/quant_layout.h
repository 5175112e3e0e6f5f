// Memory layouts that the packers (quant.cc) and the loops (quant_body.h) of quantised products share.
//
// Weights: panels of 16 output columns; a panel is a run of records, one a pair of groups (64 inputs), each a
// multiple of 64 bytes, so that a product reads one unbroken stream:
//   quants  2 x [8 quads][16 columns][4 inputs] bytes q + 128 (W8), or
//           2 x [4 quads][16 columns][4 inputs] bytes with quad i in the low half and quad i + 4 in the high
//           (W4)
//   scales  2 x [16 columns], f16 or f32; then offsets likewise, if the format has them; or for factored W4
//           bytes 2 x [16] of scales and 2 x [16] of offsets, then the pair's [16] f16 of each that they
//           multiply
// Activations: blocks of 8 rows (the last may have fewer, R), each a run of records, one a group, padded to
// whole pairs: [8 quads][R] four values v, [R] -128 sum v, [R] -8 sum v, [R] a, [R] a float(sum v); the last
// two are floats by their bits. Activations of 15 bits, v = 128 h + l, have [8 quads][R] of h, then as many
// of l.
#pragma once

#include <bit>
#include <cstdint>

namespace melete {

inline constexpr int64_t kQuantColumns = 16, kQuantRows = 8, kQuantQuads = 8;

enum class ActivationType : int32_t { int8, int16 };

constexpr int64_t activation_quads(ActivationType type) {
  return type == ActivationType::int8 ? kQuantQuads : 2 * kQuantQuads;
}
// Words of a row's group.
constexpr int64_t activation_words(ActivationType type) { return activation_quads(type) + 4; }

enum class QuantFormat : int32_t { w8, w4_symmetric, w4, w4_factored };

struct QuantLayout {
  QuantFormat format = QuantFormat::w8;
  bool half = true;  // scales and offsets are f16

  constexpr int64_t quant_bytes() const { return format == QuantFormat::w8 ? 512 : 256; }  // of one group
  constexpr int64_t scale_bytes() const { return kQuantColumns * (half ? 2 : 4); }
  constexpr int64_t record_bytes() const {
    if (format == QuantFormat::w4_factored) return 2 * quant_bytes() + 8 * kQuantColumns;
    return 2 * (quant_bytes() + scale_bytes() * (format == QuantFormat::w4 ? 2 : 1));
  }
};

constexpr int64_t quant_pairs(int64_t in) { return (in + 63) / 64; }
constexpr int64_t quant_panels(int64_t out) { return (out + kQuantColumns - 1) / kQuantColumns; }

// IEEE half precision by its bits.
constexpr float float_from_half(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16, exponent = (bits >> 10) & 0x1fu;
  const uint32_t mantissa = bits & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
  return sign != 0 ? -magnitude : magnitude;
}

// The half nearest to x on zero's side; exact where x is a half, infinity or NaN among them.
constexpr uint16_t half_toward_zero(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const int32_t exponent = static_cast<int32_t>((bits >> 23) & 0xffu) - 112;
  const uint32_t mantissa = (bits & 0x7fffffu) | 0x800000u;
  if (exponent == 143) return static_cast<uint16_t>(sign | 0x7c00u | ((bits & 0x7fffffu) >> 13));
  if (exponent >= 31) return static_cast<uint16_t>(sign | 0x7bffu);
  if (exponent >= 1) return static_cast<uint16_t>(sign | (exponent << 10) | ((bits & 0x7fffffu) >> 13));
  const int32_t shift = 14 - exponent;
  return static_cast<uint16_t>(sign | (shift < 32 ? mantissa >> shift : 0));
}

constexpr bool is_half(float x) {
  return std::bit_cast<uint32_t>(float_from_half(half_toward_zero(x))) == std::bit_cast<uint32_t>(x);
}

}  // namespace melete
