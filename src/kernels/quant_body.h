// The loops of quantised products, written once over an integer lane type Q (simd_int_*.h) and its float
// lanes Q::F. Layouts: quant_layout.h; the arithmetic: quant.h.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "kernels/kernel_table.h"
#include "kernels/quant_layout.h"

namespace melete {

// How far ahead of the multiplication weights are asked for, into the second cache level: fetches into the
// first are few at a time and hold up those that are needed now. Only tiles of many rows ask: with few, the
// loop is short enough for the processor to look ahead by itself, and asking costs a tenth of the bandwidth.
inline constexpr int64_t kPrefetchBytes = 8192;
inline constexpr int kPrefetchRows = 7;

template <QuantFormat kFormat>
inline constexpr int64_t kQuantBytes = kFormat == QuantFormat::w8 ? 512 : 256;  // of one group

// The rows of a block, which interleaves their activations: known to the compiler where a tile takes them
// all.
template <int kRows>
struct BlockRows {
  explicit BlockRows(int64_t) {}
  static constexpr int64_t value = kRows;
};
template <>
struct BlockRows<0> {
  explicit BlockRows(int64_t rows) : value(rows) {}
  int64_t value;
};

// Adds the integer dot products of one group of R rows. x: [8][stride] quads.
template <class Q, QuantFormat kFormat, int R, bool kAsksAhead>
[[gnu::always_inline]] inline void quant_dots(const char* quants, const int32_t* x, int64_t stride,
                                              typename Q::I (&dot)[R]) {
  constexpr bool kWide = kFormat == QuantFormat::w8;
#pragma GCC unroll 8
  for (int i = 0; i < (kWide ? 8 : 4); ++i) {
    const typename Q::W w = Q::load(quants + 64 * i);
    if constexpr (kAsksAhead) Q::prefetch(quants + 64 * i + kPrefetchBytes);
    const typename Q::W first = kWide ? w : Q::low(w);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) dot[r] = Q::dot(dot[r], first, Q::quad(x[i * stride + r]));
    if constexpr (!kWide) {
      const typename Q::W second = Q::high(w);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) dot[r] = Q::dot(dot[r], second, Q::quad(x[(i + 4) * stride + r]));
    }
  }
}

// Scale and offset of the 16 columns for group `which` of a record; `p` is what follows its quants.
template <class Q, QuantFormat kFormat>
[[gnu::always_inline]] inline typename Q::F::V quant_scale(const char* p, bool half, int which) {
  if constexpr (kFormat == QuantFormat::w4_factored)
    return Q::F::mul(Q::load_half(p + 64), Q::load_bytes(p + 16 * which));
  return half ? Q::load_half(p + 32 * which) : Q::F::load(reinterpret_cast<const float*>(p + 64 * which));
}
template <class Q, QuantFormat kFormat>
[[gnu::always_inline]] inline typename Q::F::V quant_offset(const char* p, bool half, int which) {
  if constexpr (kFormat == QuantFormat::w4_factored)
    return Q::F::mul(Q::load_half(p + 96), Q::load_bytes(p + 32 + 16 * which));
  return quant_scale<Q, kFormat>(p, half, 2 + which);
}

// Adds the products of group `which` of a record. x: the group's activations, from the tile's first row.
template <class Q, QuantFormat kFormat, ActivationType kType, int R>
[[gnu::always_inline]] inline void quant_group(const char* record, bool half, int which, const int32_t* x,
                                               int64_t stride, typename Q::F::V (&acc)[R]) {
  using F = typename Q::F;
  constexpr bool kOffset = kFormat == QuantFormat::w4 || kFormat == QuantFormat::w4_factored;
  constexpr bool kTwice = kType == ActivationType::int16, kAsksAhead = R >= kPrefetchRows;
  constexpr int kSums = static_cast<int>(activation_quads(kType));
  const int32_t* sums = x + kSums * stride;
  const int32_t* start = sums + (kFormat == QuantFormat::w8 ? 0 : stride);
  const char* quants = record + which * kQuantBytes<kFormat>;
  typename Q::I dot[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) dot[r] = Q::set(kOffset || kTwice ? 0 : start[r]);
  quant_dots<Q, kFormat, R, kAsksAhead>(quants, x, stride, dot);
  if constexpr (kTwice) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) dot[r] = Q::raised(dot[r], kOffset ? 0 : start[r]);
    quant_dots<Q, kFormat, R, false>(quants, x + kQuantQuads * stride, stride, dot);
  }
  const char* scales = record + 2 * kQuantBytes<kFormat>;
  if constexpr (kAsksAhead) Q::prefetch(scales + kPrefetchBytes);
  const typename F::V scale = quant_scale<Q, kFormat>(scales, half, which);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const typename F::V a = F::set(std::bit_cast<float>(sums[2 * stride + r]));
    acc[r] = F::fma(F::mul(Q::to_float(dot[r]), scale), a, acc[r]);
  }
  if constexpr (kOffset) {
    const typename F::V offset = quant_offset<Q, kFormat>(scales, half, which);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
      acc[r] = F::fma(offset, F::set(std::bit_cast<float>(sums[3 * stride + r])), acc[r]);
  }
}

// y[R, 16] of R rows of a block. One panel at a time: its records are one stream, and the R integer and R
// float accumulators of a group leave registers for the weights.
template <class Q, QuantFormat kFormat, ActivationType kType, int R, int kBlock>
void quant_tile(const QuantWork& w, const char* panel, const int32_t* x, BlockRows<kBlock> block, int64_t row,
                int64_t col) {
  using F = typename Q::F;
  const int64_t stride = block.value;
  typename F::V acc[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) acc[r] = F::zero();
  for (int64_t pair = 0; pair < w.pairs; ++pair) {
#pragma GCC unroll 1
    for (int which = 0; which < 2; ++which) {
      quant_group<Q, kFormat, kType, R>(panel, w.half, which, x, stride, acc);
      x += activation_words(kType) * stride;
    }
    panel += w.record_bytes;
  }
  const int64_t left = w.cols - col;
  const typename F::V bias = w.bias == nullptr ? F::zero() : F::load(w.bias + col, left);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const typename F::V y = w.bias == nullptr ? acc[r] : F::add(acc[r], bias);
    float* to = w.y + (row + r) * w.cols + col;
    left >= 16 ? F::store(to, y) : F::store(to, y, left);
  }
}

// All rows of a block: in one tile where the registers hold it, else R at a time.
template <class Q, QuantFormat kFormat, ActivationType kType, int R>
void quant_rows(int64_t rows, const QuantWork& w, const char* panel, const int32_t* x, int64_t row,
                int64_t col) {
  if constexpr (R == Q::kMaxRows && R < kQuantRows) {
    int64_t r = 0;
    for (; r + R <= rows; r += R)
      quant_tile<Q, kFormat, kType, R, 0>(w, panel, x + r, BlockRows<0>(rows), row + r, col);
    if constexpr (R > 1) {
      if (r < rows) quant_tile<Q, kFormat, kType, 1, 0>(w, panel, x + r, BlockRows<0>(rows), row + r, col);
    }
  } else if (rows == R) {
    quant_tile<Q, kFormat, kType, R, R>(w, panel, x, BlockRows<R>(rows), row, col);
  } else if constexpr (R > 1) {
    quant_rows<Q, kFormat, kType, R - 1>(rows, w, panel, x, row, col);
  }
}

// Panels outside and rows inside, so that a panel stays near while all rows pass.
template <class Q, QuantFormat kFormat, ActivationType kType>
void quant_panels_of(const QuantWork& w, int64_t block_begin, int64_t block_end, int64_t panel_begin,
                     int64_t panel_end) {
  const int64_t block_words = kQuantRows * 2 * w.pairs * activation_words(kType);
  const char* panel = static_cast<const char*>(w.panels) + panel_begin * w.pairs * w.record_bytes;
  for (int64_t p = panel_begin; p < panel_end; ++p, panel += w.pairs * w.record_bytes) {
    for (int64_t block = block_begin; block < block_end; ++block) {
      const int64_t row = block * kQuantRows, rows = w.rows - row < kQuantRows ? w.rows - row : kQuantRows;
      quant_rows<Q, kFormat, kType, Q::kMaxRows>(rows, w, panel, w.x + block * block_words, row,
                                                 p * kQuantColumns);
    }
  }
}

template <class Q, ActivationType kType>
void quant_matmul_of(const QuantWork& w, int64_t block_begin, int64_t block_end, int64_t panel_begin,
                     int64_t panel_end) {
  const auto run = [&](auto loop) { loop(w, block_begin, block_end, panel_begin, panel_end); };
  switch (w.format) {
    case QuantFormat::w8: return run(quant_panels_of<Q, QuantFormat::w8, kType>);
    case QuantFormat::w4_symmetric: return run(quant_panels_of<Q, QuantFormat::w4_symmetric, kType>);
    case QuantFormat::w4: return run(quant_panels_of<Q, QuantFormat::w4, kType>);
    case QuantFormat::w4_factored: return run(quant_panels_of<Q, QuantFormat::w4_factored, kType>);
  }
}

template <class Q>
void quant_matmul(const QuantWork& w, int64_t block_begin, int64_t block_end, int64_t panel_begin,
                  int64_t panel_end) {
  return w.type == ActivationType::int8
             ? quant_matmul_of<Q, ActivationType::int8>(w, block_begin, block_end, panel_begin, panel_end)
             : quant_matmul_of<Q, ActivationType::int16>(w, block_begin, block_end, panel_begin, panel_end);
}

// Sixteen integral floats in [-16256, 16256] as the bytes of h and l with 128 h + l; returns their sum.
template <class Q>
int32_t store_halves(int8_t* high, int8_t* low, typename Q::F::V x) {
  using F = typename Q::F;
  const auto h = F::round(F::mul(x, F::set(1.0f / 128)));
  const int32_t sum = Q::store_bytes(high, h);
  return 128 * sum + Q::store_bytes(low, F::fma(h, F::set(-128.0f), x));
}

// One row's group of 32 values into a record of `stride` rows.
template <class Q, ActivationType kType>
void quantise_group(const float* x, int64_t stride, int32_t* record) {
  using F = typename Q::F;
  constexpr bool kTwice = kType == ActivationType::int16;
  constexpr float kMost = kTwice ? 127.0f * 128 : 127.0f;
  const typename F::V x0 = F::load(x), x1 = F::load(x + 16);
  const int32_t bits = Q::max_abs_bits(x0, x1);
  const auto amax = std::bit_cast<float>(bits);
  constexpr int32_t kInfinity = 0x7f800000;
  const bool finite = bits < kInfinity,
             tiny = amax < (kTwice ? 0x1p-111f : 0x1p-118f);  // kMost / amax must not overflow
  const float scale = !finite ? std::bit_cast<float>(0x7fc00000) : tiny ? 0.0f : amax / kMost;
  int8_t values[64] = {};  // with kTwice the high halves, then the low
  int32_t sum = 0;
  if (finite && !tiny) {
    const typename F::V inverse = F::set(kMost / amax);
    const typename F::V y0 = F::round(F::mul(x0, inverse)), y1 = F::round(F::mul(x1, inverse));
    if constexpr (kTwice) {
      sum = store_halves<Q>(values, values + 32, y0) + store_halves<Q>(values + 16, values + 48, y1);
    } else {
      sum = Q::store_bytes(values, y0) + Q::store_bytes(values + 16, y1);
    }
  }
  constexpr int64_t kQuads = activation_quads(kType);
  for (int i = 0; i < kQuads; ++i) std::memcpy(record + i * stride, values + 4 * i, 4);
  record += kQuads * stride;
  record[0] = -128 * sum;
  record[stride] = -8 * sum;
  record[2 * stride] = std::bit_cast<int32_t>(scale);
  record[3 * stride] = std::bit_cast<int32_t>(scale * static_cast<float>(sum));
}

template <class Q, ActivationType kType>
void quantise_groups_of(const float* x, int64_t rows, int64_t cols, int64_t begin, int64_t end,
                        int32_t* record) {
  int64_t first = begin;
  if constexpr (kType == ActivationType::int8 && requires { Q::quantise_eight(x, cols, record); }) {
    for (; rows == kQuantRows && first < end && 32 * (first + 1) <= cols; ++first)
      Q::quantise_eight(x + 32 * first, cols, record + first * activation_words(kType) * kQuantRows);
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t g = first; g < end; ++g) {
      const int64_t left = cols - 32 * g;
      const float* from = x + r * cols + 32 * g;
      int32_t* to = record + g * activation_words(kType) * rows + r;
      if (left >= 32) {
        quantise_group<Q, kType>(from, rows, to);
      } else {
        float padded[32] = {};
        for (int64_t i = 0; i < left; ++i) padded[i] = from[i];
        quantise_group<Q, kType>(padded, rows, to);
      }
    }
  }
}

// Groups [begin, end) of `rows` rows of `cols` floats into their block of records, which begins at `record`.
template <class Q>
void quantise_groups(const float* x, int64_t rows, int64_t cols, ActivationType type, int64_t begin,
                     int64_t end, int32_t* record) {
  constexpr auto int8 = ActivationType::int8, int16 = ActivationType::int16;
  return type == int8 ? quantise_groups_of<Q, int8>(x, rows, cols, begin, end, record)
                      : quantise_groups_of<Q, int16>(x, rows, cols, begin, end, record);
}

}  // namespace melete
