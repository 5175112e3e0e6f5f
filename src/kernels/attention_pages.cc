#include "kernels/attention_pages.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/attention_table.h"

namespace melete {
namespace {

uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if (std::isnan(x)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float from_bf16(uint16_t x) { return std::bit_cast<float>(static_cast<uint32_t>(x) << 16); }

// Writes k [K] as a column of int8 and its scale.
void write_int8(const float* k, int64_t head_dim, int64_t place, int8_t* keys, float* scales) {
  float most = 0;
  bool finite = true;
  for (int64_t d = 0; d < head_dim; ++d) {
    finite = finite && std::isfinite(k[d]);
    most = std::max(most, std::fabs(k[d]));
  }
  scales[place] = finite ? most / 127.0f : std::numeric_limits<float>::quiet_NaN();
  // In double, so that the quotient of the least denormal stays finite.
  const double factor = finite && most > 0 ? 127.0 / static_cast<double>(most) : 0.0;
  for (int64_t d = 0; d < head_dim; ++d)
    keys[kPagePositions * d + place] =
        finite ? static_cast<int8_t>(std::nearbyint(static_cast<double>(k[d]) * factor)) : int8_t{0};
}

// k as a column of pairs of channels, v as one of two neighbours in each pair of positions.
void write_int16(const PageShape& shape, const float* k, const float* v, int64_t place, std::byte* part) {
  const int64_t width = shape.heads.head_dim, padded = shape.heads.padded();
  const AttentionTable& table = attention_table();
  int16_t words[kChunkKeys + 2];
  auto* keys = reinterpret_cast<int16_t*>(part) + 2 * place;
  auto* values =
      reinterpret_cast<int16_t*>(part + shape.values_offset()) + place / 2 * padded * 2 + place % 2;
  auto* scales = reinterpret_cast<float*>(part + shape.scales_offset());
  const float key_scale = table.scale(k, width, key_limit(width));
  const float value_scale = table.scale(v, width, kValueLimit);
  for (int64_t d = 0; d < width; d += kChunkKeys) {
    const int64_t count = std::min(kChunkKeys, width - d);
    table.round(k + d, count, key_scale, words);
    words[count] = 0;
    for (int64_t i = 0; i < count; i += 2) std::memcpy(keys + (d + i) * kPagePositions, words + i, 4);
    table.round(v + d, count, value_scale, words);
    for (int64_t i = 0; i < count; ++i) values[2 * (d + i)] = words[i];
  }
  scales[place] = key_scale;
  scales[kPagePositions + place] = value_scale;
}

void read_int16(const PageShape& shape, const std::byte* part, int64_t place, float* k, float* v) {
  const int64_t width = shape.heads.head_dim, padded = shape.heads.padded();
  const auto* keys = reinterpret_cast<const int16_t*>(part) + 2 * place;
  const auto* values =
      reinterpret_cast<const int16_t*>(part + shape.values_offset()) + place / 2 * padded * 2 + place % 2;
  const auto* scales = reinterpret_cast<const float*>(part + shape.scales_offset());
  for (int64_t d = 0; d < width; ++d) {
    k[d] = static_cast<float>(keys[d / 2 * 2 * kPagePositions + d % 2]) * scales[place];
    v[d] = static_cast<float>(values[2 * d]) * scales[kPagePositions + place];
  }
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
    if (shape.type == KvType::int16) {
      write_int16(shape, k, v, place, part);
      continue;
    }
    auto* values = at<uint16_t>(part, shape.values_offset()) + place * padded;
    for (int64_t d = 0; d < width; ++d) values[d] = to_bf16(v[d]);
    if (shape.type == KvType::int8) {
      write_int8(k, width, place, at<int8_t>(part, 0), at<float>(part, shape.scales_offset()));
    } else {
      auto* keys = at<uint16_t>(part, 0);
      for (int64_t d = 0; d < width; ++d) keys[kPagePositions * d + place] = to_bf16(k[d]);
    }
  }
}

void read_page(const PageShape& shape, const std::byte* part, int64_t place, float* k, float* v) {
  const int64_t width = shape.heads.head_dim, padded = shape.heads.padded();
  for (int64_t g = 0; g < shape.heads.kv_heads; ++g, k += width, v += width, part += shape.head_bytes()) {
    if (shape.type == KvType::int16) {
      read_int16(shape, part, place, k, v);
      continue;
    }
    for (int64_t d = 0; d < width; ++d) {
      const int64_t key = kPagePositions * d + place, value = place * padded + d;
      switch (shape.type) {
        case KvType::f32: k[d] = at<float>(part, 0)[key]; break;
        case KvType::bf16: k[d] = from_bf16(at<uint16_t>(part, 0)[key]); break;
        case KvType::int8:
          k[d] = static_cast<float>(at<int8_t>(part, 0)[key]) * at<float>(part, shape.scales_offset())[place];
          break;
        case KvType::int16: break;
      }
      v[d] = shape.type == KvType::f32 ? at<float>(part, shape.values_offset())[value]
                                       : from_bf16(at<uint16_t>(part, shape.values_offset())[value]);
    }
  }
}

}  // namespace melete
