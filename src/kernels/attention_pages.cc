#include "kernels/attention_pages.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

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
  }
  return "?";
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
    for (int64_t d = 0; d < width; ++d) {
      const int64_t key = kPagePositions * d + place, value = place * padded + d;
      switch (shape.type) {
        case KvType::f32: k[d] = at<float>(part, 0)[key]; break;
        case KvType::bf16: k[d] = from_bf16(at<uint16_t>(part, 0)[key]); break;
        case KvType::int8:
          k[d] = static_cast<float>(at<int8_t>(part, 0)[key]) * at<float>(part, shape.scales_offset())[place];
          break;
      }
      v[d] = shape.type == KvType::f32 ? at<float>(part, shape.values_offset())[value]
                                       : from_bf16(at<uint16_t>(part, shape.values_offset())[value]);
    }
  }
}

}  // namespace melete
