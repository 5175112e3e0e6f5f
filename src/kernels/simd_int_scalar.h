// Sixteen int32 lanes and their dot products of bytes in plain C++: the reference of simd_int_*.h.
//
// Everything here is exact, so variants agree by arithmetic and not by order. F is the float lane type that
// goes with it (simd_scalar.h).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <initializer_list>

#include "kernels/quant_layout.h"
#include "kernels/simd_scalar.h"

namespace melete {

struct ScalarInt16 {
  using F = Scalar16;
  struct I {
    int32_t lane[16];
  };
  struct W {  // of each of 16 columns four unsigned bytes
    uint8_t byte[64];
  };
  struct A {  // four signed bytes
    int8_t byte[4];
  };
  struct P {  // of each of 16 lanes two signed words
    int16_t word[32];
  };
  static constexpr int kMaxRows = 1;  // rows of a tile; more of a block take several tiles

  [[gnu::always_inline]] static void prefetch(const void* p) {}
  static I set(int32_t x) {
    I r;
    for (int32_t& lane : r.lane) lane = x;
    return r;
  }
  static W load(const void* p) {
    W w;
    std::memcpy(w.byte, p, 64);
    return w;
  }
  static W low(W w) {
    for (uint8_t& b : w.byte) b &= 15;
    return w;
  }
  static W high(W w) {
    for (uint8_t& b : w.byte) b >>= 4;
    return w;
  }
  static A quad(int32_t values) { return std::bit_cast<A>(values); }
  static I dot(I sum, const W& w, A a) {
    for (int n = 0; n < 16; ++n) {
      for (int i = 0; i < 4; ++i) sum.lane[n] += int32_t{w.byte[4 * n + i]} * a.byte[i];
    }
    return sum;
  }
  // The same with the signs the other way round: four signed bytes a column by four unsigned ones.
  struct SignedW {
    int8_t byte[64];
  };
  struct UnsignedA {
    uint8_t byte[4];
  };
  static SignedW load_signed(const void* p) {
    SignedW w;
    std::memcpy(w.byte, p, 64);
    return w;
  }
  static UnsignedA unsigned_quad(int32_t values) { return std::bit_cast<UnsignedA>(values); }
  static I dot_signed(I sum, const SignedW& w, UnsignedA a) {
    for (int n = 0; n < 16; ++n) {
      for (int i = 0; i < 4; ++i) sum.lane[n] += int32_t{w.byte[4 * n + i]} * a.byte[i];
    }
    return sum;
  }
  static P load_pairs(const void* p) {
    P pairs;
    std::memcpy(pairs.word, p, 64);
    return pairs;
  }
  static P pair(int32_t words) {
    P pairs;
    for (int n = 0; n < 16; ++n) std::memcpy(pairs.word + 2 * n, &words, 4);
    return pairs;
  }
  // sum + both products of each lane, which must fit 32 bits.
  static I dot_pairs(I sum, const P& a, const P& b) {
    for (int n = 0; n < 32; ++n) sum.lane[n / 2] += int32_t{a.word[n]} * b.word[n];
    return sum;
  }
  // Stores 16 floats as words, rounded to the nearest integers, which must lie in [-32767, 32767]; of what
  // isn't a number anything.
  static void store_words(int16_t* p, F::V x) {
    for (int i = 0; i < 16; ++i)
      p[i] = std::isnan(x.lane[i]) ? int16_t{0} : static_cast<int16_t>(std::nearbyint(x.lane[i]));
  }
  // The same as unsigned bytes, in [0, 255].
  static void store_unsigned(uint8_t* p, F::V x) {
    for (int i = 0; i < 16; ++i)
      p[i] = std::isnan(x.lane[i]) ? uint8_t{0} : static_cast<uint8_t>(std::nearbyint(x.lane[i]));
  }
  // 128 x + start.
  static I raised(I x, int32_t start) {
    for (int32_t& lane : x.lane) lane = 128 * lane + start;
    return x;
  }
  static F::V to_float(I x) {
    return F::each([&](int i) { return static_cast<float>(x.lane[i]); });
  }
  static F::V load_half(const void* p) {
    uint16_t bits[16];
    std::memcpy(bits, p, 32);
    return F::each([&](int i) { return float_from_half(bits[i]); });
  }

  static F::V load_bytes(const void* p) {
    const auto* from = static_cast<const uint8_t*>(p);
    return F::each([&](int i) { return static_cast<float>(from[i]); });
  }

  // The largest bits of |x|: of a NaN they are above infinity's, so none is lost.
  static int32_t max_abs_bits(F::V x, F::V y) {
    int32_t most = 0;
    for (int i = 0; i < 16; ++i) {
      for (const float v : {x.lane[i], y.lane[i]}) {
        const int32_t bits = std::bit_cast<int32_t>(v) & 0x7fffffff;
        most = bits > most ? bits : most;
      }
    }
    return most;
  }
  // Of each lane the one with the greater bits, as unsigned numbers.
  static F::V max_bits(F::V x, F::V y) {
    return F::each([&](int i) {
      return std::bit_cast<uint32_t>(x.lane[i]) < std::bit_cast<uint32_t>(y.lane[i]) ? y.lane[i] : x.lane[i];
    });
  }
  // Stores 16 integral floats in [-127, 127] as bytes and returns their sum.
  static int32_t store_bytes(int8_t* p, F::V x) {
    int32_t sum = 0;
    for (int i = 0; i < 16; ++i) {
      p[i] = static_cast<int8_t>(x.lane[i]);
      sum += p[i];
    }
    return sum;
  }
};

}  // namespace melete
