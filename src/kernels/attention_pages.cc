#include "kernels/attention_pages.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/attention_table.h"

namespace melete {
namespace {

uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if (std::isnan(x)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float from_bf16(uint16_t x) { return std::bit_cast<float>(static_cast<uint32_t>(x) << 16); }

// Keys of integer types lie in steps of 64 bytes: of each position four bytes, two or four channels.
constexpr int64_t kStepBytes = 4;

// Rounded keys to their column of a page; count: bytes, a multiple of four.
void write_steps(const void* rounded, int64_t count, std::byte* column) {
  const auto* from = static_cast<const std::byte*>(rounded);
  for (int64_t i = 0; i < count; i += kStepBytes)
    std::memcpy(column + i * kPagePositions, from + i, kStepBytes);
}

float write_keys(const AttentionTable& table, KvType type, const float* k, int64_t width, std::byte* column) {
  int16_t words[kChunkKeys + 2];
  int8_t bytes[kChunkKeys + 4];
  float rotated[kMostRotated];
  if (type == KvType::int8 && rotated_together(width) > 1) {
    table.rotate(k, width, rotated);
    k = rotated;
  }
  const float scale = table.scale(k, width, type == KvType::int8 ? 127 : key_limit(width));
  for (int64_t d = 0; d < width; d += kChunkKeys) {
    const int64_t count = std::min(kChunkKeys, width - d);
    if (type == KvType::int16) {
      table.round_words(k + d, count, scale, words);
      words[count] = 0;
      write_steps(words, (count + 1) / 2 * kStepBytes, column + 2 * d * kPagePositions);
    } else {
      table.round_bytes(k + d, count, scale, bytes);
      std::fill_n(bytes + count, 4, int8_t{0});
      for (int64_t i = 0; i < count; ++i)
        bytes[i] = static_cast<int8_t>(bytes[i] ^ -128);  // plus 128, unsigned
      write_steps(bytes, (count + 3) / 4 * kStepBytes, column + d * kPagePositions);
    }
  }
  return scale;
}

// Below it values count as zeros, whose scale is then this: the inverse of a scale must leave room for sums.
constexpr float kLeastValueScale = 0x1p-60f;

// A value's scale as attention wants it; scales: of the page's keys, then what belongs to its values.
void write_value_scale(float scale, int64_t place, float* scales) {
  const float used = scale < kLeastValueScale ? kLeastValueScale : scale;
  float* logarithms = scales + kPagePositions;
  logarithms[place] = static_cast<float>(std::log2(static_cast<double>(used)));
  // An inverse is always finite: it meets the zero weights of rows that don't see this position.
  logarithms[kPagePositions + place] = std::isnan(scale) ? 1.0f : 1.0f / used;
}

float value_scale(const float* scales, int64_t place) {
  const float logarithm = scales[kPagePositions + place];
  return std::isnan(logarithm) ? logarithm : 1.0f / scales[2 * kPagePositions + place];
}

// v as one of the `neighbours` in each pair or quad of positions. Returns the scale.
template <class T, class Round>
float write_values(const AttentionTable& table, const float* v, int64_t width, int32_t limit,
                   int64_t neighbours, T* values, const Round& round) {
  T rounded[kChunkKeys];
  float scale = table.scale(v, width, limit);
  if (scale < kLeastValueScale) scale = 0;
  for (int64_t d = 0; d < width; d += kChunkKeys) {
    const int64_t count = std::min(kChunkKeys, width - d);
    round(v + d, count, scale, rounded);
    for (int64_t i = 0; i < count; ++i) values[neighbours * (d + i)] = rounded[i];
  }
  return scale;
}

// Where the values of a place begin, in bytes; those of its channels are `neighbours` apart.
int64_t value_place(const PageShape& shape, int64_t place, int64_t neighbours) {
  return shape.values_offset() +
         (place / neighbours * shape.heads.padded() * neighbours + place % neighbours) * shape.value_bytes();
}

float write_values(const PageShape& shape, const float* v, int64_t place, std::byte* part) {
  const AttentionTable& table = attention_table();
  const int64_t width = shape.heads.head_dim;
  const int32_t limit = value_limit(shape.type);
  if (shape.type == KvType::int16)
    return write_values(table, v, width, limit, 2,
                        reinterpret_cast<int16_t*>(part + value_place(shape, place, 2)), table.round_words);
  return write_values(table, v, width, limit, 4,
                      reinterpret_cast<int8_t*>(part + value_place(shape, place, 4)), table.round_bytes);
}

void write_integers(const PageShape& shape, const float* k, const float* v, int64_t place, std::byte* part) {
  const AttentionTable& table = attention_table();
  auto* scales = reinterpret_cast<float*>(part + shape.scales_offset());
  scales[place] = write_keys(table, shape.type, k, shape.heads.head_dim, part + kStepBytes * place);
  write_value_scale(write_values(shape, v, place, part), place, scales);
}

void read_integers(const PageShape& shape, const std::byte* part, int64_t place, float* k, float* v) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(part + kStepBytes * place);
  const auto* words = reinterpret_cast<const int16_t*>(part + kStepBytes * place);
  const auto* value_words = reinterpret_cast<const int16_t*>(part + value_place(shape, place, 2));
  const auto* value_bytes = reinterpret_cast<const int8_t*>(part + value_place(shape, place, 4));
  const auto* scales = reinterpret_cast<const float*>(part + shape.scales_offset());
  for (int64_t d = 0; d < shape.heads.head_dim; ++d) {
    const int key = shape.type == KvType::int8 ? bytes[d / 4 * 4 * kPagePositions + d % 4] - 128
                                               : words[d / 2 * 2 * kPagePositions + d % 2];
    k[d] = static_cast<float>(key) * scales[place];
    const int value = shape.type == KvType::int8 ? value_bytes[4 * d] : value_words[2 * d];
    v[d] = static_cast<float>(value) * value_scale(scales, place);
  }
  const int64_t block = rotated_together(shape.heads.head_dim);
  if (shape.type != KvType::int8 || block == 1) return;
  float back[kMostRotated];
  attention_table().rotate(k, shape.heads.head_dim, back);
  for (int64_t d = 0; d < shape.heads.head_dim; ++d) k[d] = back[d] / static_cast<float>(block);
}

template <class T>
T* at(std::byte* part, int64_t offset) {
  return reinterpret_cast<T*>(part + offset);
}
template <class T>
const T* at(const std::byte* part, int64_t offset) {
  return reinterpret_cast<const T*>(part + offset);
}

}  // namespace

std::string_view name_of(KvType type) {
  switch (type) {
    case KvType::f32: return "f32";
    case KvType::bf16: return "bf16";
    case KvType::int8: return "int8";
    case KvType::int16: return "int16";
  }
  return "?";
}

int32_t key_limit(int64_t head_dim) {
  const auto most = static_cast<int32_t>(std::sqrt(2147483647.0 / static_cast<double>(head_dim)));
  return std::min(most, 32767);
}

void write_page(const PageShape& shape, const float* k, const float* v, int64_t place, std::byte* part) {
  const int64_t width = shape.heads.head_dim, padded = shape.heads.padded();
  for (int64_t g = 0; g < shape.heads.kv_heads; ++g, k += width, v += width, part += shape.head_bytes()) {
    if (shape.type == KvType::f32) {
      float* keys = at<float>(part, 0);
      float* values = at<float>(part, shape.values_offset()) + place * padded;
      for (int64_t d = 0; d < width; ++d) keys[kPagePositions * d + place] = k[d];
      for (int64_t d = 0; d < width; ++d) values[d] = v[d];
      continue;
    }
    if (is_integer(shape.type)) {
      write_integers(shape, k, v, place, part);
      continue;
    }
    auto* keys = at<uint16_t>(part, 0);
    auto* values = at<uint16_t>(part, shape.values_offset()) + place * padded;
    for (int64_t d = 0; d < width; ++d) keys[kPagePositions * d + place] = to_bf16(k[d]);
    for (int64_t d = 0; d < width; ++d) values[d] = to_bf16(v[d]);
  }
}

void read_page(const PageShape& shape, const std::byte* part, int64_t place, float* k, float* v) {
  const int64_t width = shape.heads.head_dim, padded = shape.heads.padded();
  for (int64_t g = 0; g < shape.heads.kv_heads; ++g, k += width, v += width, part += shape.head_bytes()) {
    if (is_integer(shape.type)) {
      read_integers(shape, part, place, k, v);
      continue;
    }
    for (int64_t d = 0; d < width; ++d) {
      const int64_t key = kPagePositions * d + place, value = place * padded + d;
      const bool is_float = shape.type == KvType::f32;
      k[d] = is_float ? at<float>(part, 0)[key] : from_bf16(at<uint16_t>(part, 0)[key]);
      v[d] = is_float ? at<float>(part, shape.values_offset())[value]
                      : from_bf16(at<uint16_t>(part, shape.values_offset())[value]);
    }
  }
}

}  // namespace melete
