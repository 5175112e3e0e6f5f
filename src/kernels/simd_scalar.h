// Sixteen float lanes in plain C++: the reference that the vector variants (simd_avx2.h, simd_avx512.h) equal
// bit for bit, and the path of machines that have neither.
//
// Every variant has sixteen lanes, whatever its registers' width, and the same operations: each is one
// correctly rounded IEEE operation a lane (fma included), and sum() adds in one fixed tree. So a kernel
// written once over a variant F gives the same bits on all of them.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace melete {

struct Scalar16 {
  struct V {
    float lane[16];
  };
  using M = uint32_t;                 // bit i: lane i
  static constexpr int kMaxRows = 6;  // rows of a matrix-product tile

  // How many panels of 16 columns a tile of `rows` rows takes at once: as many accumulators as the registers
  // hold. One row takes one, since it waits for memory, which is fastest as a single stream.
  static constexpr int panels(int rows) { return 1; }

  template <class Op>
  static V each(Op op) {
    V r;
    for (int i = 0; i < 16; ++i) r.lane[i] = op(i);
    return r;
  }
  static V zero() {
    return each([](int) { return 0.0f; });
  }
  static V set(float x) {
    return each([=](int) { return x; });
  }
  static V load(const float* p) {
    return each([=](int i) { return p[i]; });
  }
  static V load(const uint16_t* p) {  // bfloat16
    return each([=](int i) { return std::bit_cast<float>(static_cast<uint32_t>(p[i]) << 16); });
  }
  static V load(const float* p, int64_t n) {
    return each([=](int i) { return i < n ? p[i] : 0.0f; });
  }
  static void store(float* p, V x) {
    for (int i = 0; i < 16; ++i) p[i] = x.lane[i];
  }
  static void store(float* p, V x, int64_t n) {
    for (int i = 0; i < n && i < 16; ++i) p[i] = x.lane[i];
  }
  static V add(V a, V b) {
    return each([&](int i) { return a.lane[i] + b.lane[i]; });
  }
  static V sub(V a, V b) {
    return each([&](int i) { return a.lane[i] - b.lane[i]; });
  }
  static V mul(V a, V b) {
    return each([&](int i) { return a.lane[i] * b.lane[i]; });
  }
  static V div(V a, V b) {
    return each([&](int i) { return a.lane[i] / b.lane[i]; });
  }
  static V fma(V a, V b, V c) {  // a * b + c, rounded once
    return each([&](int i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
  }
  static V max(V a, V b) {  // b where either is not a number
    return each([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static V min(V a, V b) {
    return each([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static V sqrt(V a) {
    return each([&](int i) { return std::sqrt(a.lane[i]); });
  }
  static V round(V a) {  // to the nearest integer, ties to even
    return each([&](int i) { return std::nearbyint(a.lane[i]); });
  }
  static V abs(V a) {
    return each([&](int i) { return std::fabs(a.lane[i]); });
  }
  static V copysign(V a, V sign) {
    return each([&](int i) { return std::copysign(a.lane[i], sign.lane[i]); });
  }
  static V exp2i(V n) {  // 2^n for integral n in [-126, 127]
    return each([&](int i) { return std::bit_cast<float>((static_cast<int32_t>(n.lane[i]) + 127) << 23); });
  }
  static V half(V n) {  // floor(n / 2) for integral n
    return each([&](int i) { return static_cast<float>(static_cast<int32_t>(n.lane[i]) >> 1); });
  }
  template <int kDistance>
  static V swapped(V a) {
    return each([&](int i) { return a.lane[i ^ kDistance]; });
  }
  static M less(V a, V b) {
    M m = 0;
    for (int i = 0; i < 16; ++i) m |= static_cast<M>(a.lane[i] < b.lane[i]) << i;
    return m;
  }
  static M first(int64_t n) { return n >= 16 ? 0xFFFFu : n <= 0 ? 0u : (1u << n) - 1; }
  static M without(M a, M b) { return a & ~b; }
  static bool any(M m) { return m != 0; }
  static V select(M m, V a, V b) {  // a where m, else b
    return each([&](int i) { return (m >> i & 1) != 0 ? a.lane[i] : b.lane[i]; });
  }
  static float sum(V a) {
    for (int width = 8; width >= 1; width /= 2) {
      for (int i = 0; i < width; ++i) a.lane[i] += a.lane[i + width];
    }
    return a.lane[0];
  }
  static float max(V a) {
    float r = a.lane[0];
    for (int i = 1; i < 16; ++i) r = a.lane[i] > r ? a.lane[i] : r;
    return r;
  }
};

}  // namespace melete
