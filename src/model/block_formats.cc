#include "model/block_formats.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "model/float_formats.h"

namespace melete {
namespace {

constexpr int64_t kGroup = 32;  // elements of a small block, and of a scale of Q4_K and Q5_K

const uint8_t* as_bytes(std::span<const std::byte> bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

float half_at(const uint8_t* bytes) {
  uint16_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  return float_from_f16(bits);
}

void put_half(uint8_t* bytes, uint16_t bits) { std::memcpy(bytes, &bits, sizeof bits); }

// The lower nibbles of 16 bytes are elements 0..15, the upper ones 16..31.
void unpack_nibbles(const uint8_t* packed, uint8_t* values) {
  for (int j = 0; j < 16; ++j) {
    values[j] = packed[j] & 0x0f;
    values[j + 16] = packed[j] >> 4;
  }
}

// Scale and offset of group `j` of 8 of a Q4_K or Q5_K block: 6 bits each in 12 bytes.
struct GroupScale {
  float scale, offset;
};
// The 6-bit factors of group j of a Q4_K or Q5_K block.
struct GroupFactors {
  uint8_t scale, minimum;
};

GroupFactors group_factors(const uint8_t* block, int j) {
  const uint8_t* s = block + 4;
  const int scale = j < 4 ? s[j] & 63 : (s[j + 4] & 0x0f) | ((s[j - 4] >> 6) << 4);
  const int minimum = j < 4 ? s[j + 4] & 63 : (s[j + 4] >> 4) | ((s[j] >> 6) << 4);
  return {static_cast<uint8_t>(scale), static_cast<uint8_t>(minimum)};
}

GroupScale group_scale(const uint8_t* block, int j) {
  const GroupFactors f = group_factors(block, j);
  return {half_at(block) * static_cast<float>(f.scale),
          -(half_at(block + 2) * static_cast<float>(f.minimum))};
}

void q4_0_block(const uint8_t* block, float* y) {
  uint8_t q[kGroup];
  unpack_nibbles(block + 2, q);
  for (int j = 0; j < kGroup; ++j) y[j] = static_cast<float>(q[j] - 8) * half_at(block);
}

void q4_1_block(const uint8_t* block, float* y) {
  uint8_t q[kGroup];
  unpack_nibbles(block + 4, q);
  for (int j = 0; j < kGroup; ++j) y[j] = static_cast<float>(q[j]) * half_at(block) + half_at(block + 2);
}

// Five bits an element: nibbles, and bit j of a word as element j's upper one.
void unpack_five_bits(const uint8_t* upper, const uint8_t* nibbles, uint8_t* values) {
  uint32_t bits;
  std::memcpy(&bits, upper, sizeof bits);
  unpack_nibbles(nibbles, values);
  for (int j = 0; j < kGroup; ++j) values[j] = static_cast<uint8_t>(values[j] | (((bits >> j) & 1u) << 4));
}

void q5_0_block(const uint8_t* block, float* y) {
  uint8_t q[kGroup];
  unpack_five_bits(block + 2, block + 6, q);
  for (int j = 0; j < kGroup; ++j) y[j] = static_cast<float>(q[j] - 16) * half_at(block);
}

void q5_1_block(const uint8_t* block, float* y) {
  uint8_t q[kGroup];
  unpack_five_bits(block + 4, block + 8, q);
  for (int j = 0; j < kGroup; ++j) y[j] = static_cast<float>(q[j]) * half_at(block) + half_at(block + 2);
}

void q8_0_block(const uint8_t* block, float* y) {
  for (int j = 0; j < kGroup; ++j)
    y[j] = static_cast<float>(static_cast<int8_t>(block[2 + j])) * half_at(block);
}

// Nibbles of a 256-element block: each 32 bytes hold two groups, the lower nibbles the first.
int nibble_of(const uint8_t* packed, int group, int j) {
  const uint8_t byte = packed[group / 2 * 32 + j];
  return group % 2 == 0 ? byte & 0x0f : byte >> 4;
}

void q4_k_block(const uint8_t* block, float* y) {
  for (int g = 0; g < 8; ++g) {
    const GroupScale s = group_scale(block, g);
    for (int j = 0; j < kGroup; ++j)
      y[g * kGroup + j] = s.scale * static_cast<float>(nibble_of(block + 16, g, j)) + s.offset;
  }
}

void q5_k_block(const uint8_t* block, float* y) {
  for (int g = 0; g < 8; ++g) {
    const GroupScale s = group_scale(block, g);
    for (int j = 0; j < kGroup; ++j) {
      const int q = nibble_of(block + 48, g, j) | (((block[16 + j] >> g) & 1) << 4);
      y[g * kGroup + j] = s.scale * static_cast<float>(q) + s.offset;
    }
  }
}

// 128 bytes of lower nibbles, 64 of upper pairs of bits, 16 scales, then d. Half a block, 128 elements, takes
// 64 and 32 bytes: its quarter `part` has the lower (parts 0, 1) or upper nibbles of 32 bytes and one pair of
// each byte.
void q6_k_block(const uint8_t* block, float* y) {
  const float d = half_at(block + 208);
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128, part = i % 128 / 32, j = i % 32;
    const uint8_t low = block[half * 64 + part % 2 * 32 + j], pairs = block[128 + half * 32 + j];
    const int q = ((part < 2 ? low & 0x0f : low >> 4) | (((pairs >> (2 * part)) & 3) << 4)) - 32;
    const auto scale = static_cast<int8_t>(block[192 + i / 16]);
    y[i] = d * static_cast<float>(scale) * static_cast<float>(q);
  }
}

using BlockToFloats = void (*)(const uint8_t* block, float* y);

BlockToFloats block_to_floats(DataType type) {
  switch (type) {
    case DataType::q4_0: return q4_0_block;
    case DataType::q4_1: return q4_1_block;
    case DataType::q5_0: return q5_0_block;
    case DataType::q5_1: return q5_1_block;
    case DataType::q8_0: return q8_0_block;
    case DataType::q4_k: return q4_k_block;
    case DataType::q5_k: return q5_k_block;
    case DataType::q6_k: return q6_k_block;
    default: return nullptr;
  }
}

template <class Stored, class Convert>
void convert_all(std::span<const std::byte> bytes, std::span<float> values, Convert&& convert) {
  for (size_t i = 0; i < values.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, bytes.data() + i * sizeof stored, sizeof stored);
    values[i] = convert(stored);
  }
}

void check_size(DataType type, size_t elements, size_t num_bytes) {
  const auto block = static_cast<size_t>(block_elements(type));
  MELETE_CHECK(
      elements % block == 0 && elements / block * static_cast<size_t>(block_bytes(type)) == num_bytes,
      name_of(type), " elements=", elements, " bytes=", num_bytes);
}

// The signed value of largest magnitude; the first of several.
float extreme(const float* x) {
  float magnitude = 0.0f, value = 0.0f;
  for (int j = 0; j < kGroup; ++j)
    if (std::fabs(x[j]) > magnitude) magnitude = std::fabs(x[j]), value = x[j];
  return value;
}

float inverse(float scale) { return scale != 0.0f ? 1.0f / scale : 0.0f; }

// x cut off and limited to [low, high]; NaN gives 0.
int code_between(double x, double low, double high) {
  return std::isnan(x) ? 0 : static_cast<int>(std::clamp(std::trunc(x), low, high));
}

// A 4-bit code: x + rounding cut off. In double, as the reference's fused multiply-add is exact.
int code_of(float x, float inverse_scale, double rounding) {
  return code_between(static_cast<double>(x) * static_cast<double>(inverse_scale) + rounding, 0.0, 15.0);
}

template <class Code>
void pack_nibbles(uint8_t* packed, Code&& code) {
  for (int j = 0; j < 16; ++j) packed[j] = static_cast<uint8_t>(code(j) | (code(j + 16) << 4));
}

void to_q8_0(const float* x, uint8_t* block) {
  const float d = std::fabs(extreme(x)) / 127.0f, id = inverse(d);
  put_half(block, f16_from_float(d));
  for (int j = 0; j < kGroup; ++j)
    block[2 + j] = static_cast<uint8_t>(code_between(std::round(x[j] * id), -127.0, 127.0));
}

void to_q4_0(const float* x, uint8_t* block) {
  const float d = extreme(x) / -8.0f, id = inverse(d);
  put_half(block, f16_from_float(d));
  pack_nibbles(block + 2, [&](int j) { return code_of(x[j], id, 8.5); });
}

void to_q4_1(const float* x, uint8_t* block) {
  const auto [low, high] = std::minmax_element(x, x + kGroup);
  const float minimum = *low, d = (*high - minimum) / 15.0f, id = inverse(d);
  put_half(block, f16_from_float(d));
  put_half(block + 2, f16_from_float(minimum));
  pack_nibbles(block + 4, [&](int j) { return code_of(x[j] - minimum, id, 0.5); });
}

}  // namespace

bool is_float_type(DataType type) {
  return block_to_floats(type) != nullptr || type == DataType::f32 || type == DataType::f16 ||
         type == DataType::bf16 || type == DataType::f64;
}

void to_floats(DataType type, std::span<const std::byte> bytes, std::span<float> values) {
  check_size(type, values.size(), bytes.size());
  switch (type) {
    case DataType::f32:
      if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size_bytes());
      return;
    case DataType::f16: return convert_all<uint16_t>(bytes, values, float_from_f16);
    case DataType::bf16: return convert_all<uint16_t>(bytes, values, float_from_bf16);
    case DataType::f64:
      return convert_all<double>(bytes, values, [](double value) { return static_cast<float>(value); });
    default: break;
  }
  const BlockToFloats convert = block_to_floats(type);
  MELETE_CHECK(convert != nullptr, name_of(type));
  const auto elements = static_cast<size_t>(block_elements(type)),
             size = static_cast<size_t>(block_bytes(type));
  for (size_t i = 0; i < values.size() / elements; ++i)
    convert(as_bytes(bytes) + i * size, values.data() + i * elements);
}

void unpack_w8(DataType type, std::span<const std::byte> bytes, std::span<int8_t> values,
               std::span<float> scales) {
  MELETE_CHECK(has_w8(type), name_of(type));
  check_size(type, values.size(), bytes.size());
  MELETE_CHECK(scales.size() * kGroup == values.size(), scales.size(), " ", values.size());
  for (size_t g = 0; g < scales.size(); ++g) {
    const uint8_t* block = as_bytes(bytes) + g * 34;
    scales[g] = half_at(block);
    std::memcpy(values.data() + g * kGroup, block + 2, kGroup);
  }
}

void unpack_w4(DataType type, std::span<const std::byte> bytes, std::span<uint8_t> values,
               std::span<float> scales, std::span<float> offsets) {
  MELETE_CHECK(has_w4(type), name_of(type));
  check_size(type, values.size(), bytes.size());
  MELETE_CHECK(scales.size() * kGroup == values.size() && offsets.size() == scales.size(), scales.size(), " ",
               offsets.size(), " ", values.size());
  for (size_t g = 0; g < scales.size(); ++g) {
    uint8_t* q = values.data() + g * kGroup;
    if (type == DataType::q4_k) {
      const uint8_t* block = as_bytes(bytes) + g / 8 * 144;
      const GroupScale s = group_scale(block, static_cast<int>(g % 8));
      scales[g] = s.scale;
      offsets[g] = s.offset;
      for (int j = 0; j < kGroup; ++j)
        q[j] = static_cast<uint8_t>(nibble_of(block + 16, static_cast<int>(g % 8), j));
      continue;
    }
    const bool has_minimum = type == DataType::q4_1;
    const uint8_t* block = as_bytes(bytes) + g * (has_minimum ? 20 : 18);
    scales[g] = half_at(block);
    offsets[g] = has_minimum ? half_at(block + 2) : -8.0f * scales[g];
    unpack_nibbles(block + (has_minimum ? 4 : 2), q);
  }
}

void unpack_q4_k(std::span<const std::byte> bytes, std::span<uint8_t> values, const Q4KFactors& to) {
  check_size(DataType::q4_k, values.size(), bytes.size());
  const size_t groups = values.size() / kGroup;
  MELETE_CHECK(to.scale.size() * 2 == groups && to.offset.size() * 2 == groups &&
                   to.scale_factor.size() == groups && to.offset_factor.size() == groups,
               to.scale.size(), " ", groups);
  for (size_t g = 0; g < groups; ++g) {
    const uint8_t* block = as_bytes(bytes) + g / 8 * 144;
    const int j = static_cast<int>(g % 8);
    const GroupFactors factors = group_factors(block, j);
    to.scale[g / 2] = half_at(block);
    to.offset[g / 2] = -half_at(block + 2);
    to.scale_factor[g] = factors.scale;
    to.offset_factor[g] = factors.minimum;
    for (int i = 0; i < kGroup; ++i)
      values[g * kGroup + static_cast<size_t>(i)] = static_cast<uint8_t>(nibble_of(block + 16, j, i));
  }
}

bool is_quantiser_type(DataType type) {
  return type == DataType::f32 || type == DataType::f16 || type == DataType::bf16 || type == DataType::q8_0 ||
         type == DataType::q4_0 || type == DataType::q4_1;
}

void from_floats(DataType type, std::span<const float> values, std::span<std::byte> bytes) {
  MELETE_CHECK(is_quantiser_type(type), name_of(type));
  check_size(type, values.size(), bytes.size());
  auto* out = reinterpret_cast<uint8_t*>(bytes.data());
  if (type == DataType::f32) {
    if (!values.empty()) std::memcpy(out, values.data(), values.size_bytes());
    return;
  }
  if (!is_block_type(type)) {
    for (size_t i = 0; i < values.size(); ++i)
      put_half(out + 2 * i, type == DataType::bf16 ? bf16_from_float(values[i]) : f16_from_float(values[i]));
    return;
  }
  const auto convert = type == DataType::q8_0 ? to_q8_0 : type == DataType::q4_0 ? to_q4_0 : to_q4_1;
  const auto size = static_cast<size_t>(block_bytes(type));
  for (size_t g = 0; g < values.size() / kGroup; ++g) convert(values.data() + g * kGroup, out + g * size);
}

}  // namespace melete
