// The loops of quantised products, written once over an integer lane type Q (simd_int_*.h) and its float
// lanes Q::F. Layouts: quant_layout.h; the arithmetic: quant.h.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "kernels/kernel_table.h"
#include "kernels/quant_layout.h"

namespace melete {

// How far ahead of the multiplication weights are asked for. Only tiles of many rows ask: with few, the loop
// is short enough for the processor to look ahead by itself, and asking costs a tenth of the bandwidth.
inline constexpr int64_t kPrefetchBytes = 4096;
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
template <class Q, QuantFormat kFormat, int R>
[[gnu::always_inline]] inline void quant_dots(const char* quants, const int32_t* x, int64_t stride,
                                              typename Q::I (&dot)[R]) {
  constexpr bool kWide = kFormat == QuantFormat::w8;
#pragma GCC unroll 8
  for (int i = 0; i < (kWide ? 8 : 4); ++i) {
    const typename Q::W w = Q::load(quants + 64 * i);
    if constexpr (R >= kPrefetchRows) Q::prefetch(quants + 64 * i + kPrefetchBytes);
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
template <class Q, QuantFormat kFormat, int R>
[[gnu::always_inline]] inline void quant_group(const char* record, bool half, int which, const int32_t* x,
                                               int64_t stride, typename Q::F::V (&acc)[R]) {
  using F = typename Q::F;
  constexpr bool kOffset = kFormat == QuantFormat::w4 || kFormat == QuantFormat::w4_factored;
  constexpr int kStart = kFormat == QuantFormat::w8 ? 8 : 9;
  typename Q::I dot[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) dot[r] = Q::set(kOffset ? 0 : x[kStart * stride + r]);
  quant_dots<Q, kFormat, R>(record + which * kQuantBytes<kFormat>, x, stride, dot);
  const char* scales = record + 2 * kQuantBytes<kFormat>;
  if constexpr (R >= kPrefetchRows) Q::prefetch(scales + kPrefetchBytes);
  const typename F::V scale = quant_scale<Q, kFormat>(scales, half, which);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const typename F::V a = F::set(std::bit_cast<float>(x[10 * stride + r]));
    acc[r] = F::fma(F::mul(Q::to_float(dot[r]), scale), a, acc[r]);
  }
  if constexpr (kOffset) {
    const typename F::V offset = quant_offset<Q, kFormat>(scales, half, which);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
      acc[r] = F::fma(offset, F::set(std::bit_cast<float>(x[11 * stride + r])), acc[r]);
  }
}

// y[R, 16] of R rows of a block. One panel at a time: its records are one stream, and the R integer and R
// float accumulators of a group leave registers for the weights.
template <class Q, QuantFormat kFormat, int R, int kBlock>
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
      quant_group<Q, kFormat, R>(panel, w.half, which, x, stride, acc);
      x += kActivationWords * stride;
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
template <class Q, QuantFormat kFormat, int R>
void quant_rows(int64_t rows, const QuantWork& w, const char* panel, const int32_t* x, int64_t row,
                int64_t col) {
  if constexpr (R == Q::kMaxRows && R < kQuantRows) {
    int64_t r = 0;
    for (; r + R <= rows; r += R)
      quant_tile<Q, kFormat, R, 0>(w, panel, x + r, BlockRows<0>(rows), row + r, col);
    if constexpr (R > 1) {
      if (r < rows) quant_tile<Q, kFormat, 1, 0>(w, panel, x + r, BlockRows<0>(rows), row + r, col);
    }
  } else if (rows == R) {
    quant_tile<Q, kFormat, R, R>(w, panel, x, BlockRows<R>(rows), row, col);
  } else if constexpr (R > 1) {
    quant_rows<Q, kFormat, R - 1>(rows, w, panel, x, row, col);
  }
}

// Panels outside and rows inside, so that a panel stays near while all rows pass.
template <class Q, QuantFormat kFormat>
void quant_panels_of(const QuantWork& w, int64_t block_begin, int64_t block_end, int64_t panel_begin,
                     int64_t panel_end) {
  const int64_t block_words = kQuantRows * 2 * w.pairs * kActivationWords;
  const char* panel = static_cast<const char*>(w.panels) + panel_begin * w.pairs * w.record_bytes;
  for (int64_t p = panel_begin; p < panel_end; ++p, panel += w.pairs * w.record_bytes) {
    for (int64_t block = block_begin; block < block_end; ++block) {
      const int64_t row = block * kQuantRows, rows = w.rows - row < kQuantRows ? w.rows - row : kQuantRows;
      quant_rows<Q, kFormat, Q::kMaxRows>(rows, w, panel, w.x + block * block_words, row, p * kQuantColumns);
    }
  }
}

template <class Q>
void quant_matmul(const QuantWork& w, int64_t block_begin, int64_t block_end, int64_t panel_begin,
                  int64_t panel_end) {
  const auto run = [&](auto loop) { loop(w, block_begin, block_end, panel_begin, panel_end); };
  switch (w.format) {
    case QuantFormat::w8: return run(quant_panels_of<Q, QuantFormat::w8>);
    case QuantFormat::w4_symmetric: return run(quant_panels_of<Q, QuantFormat::w4_symmetric>);
    case QuantFormat::w4: return run(quant_panels_of<Q, QuantFormat::w4>);
    case QuantFormat::w4_factored: return run(quant_panels_of<Q, QuantFormat::w4_factored>);
  }
}

// One row's group of 32 values into a record of `stride` rows.
template <class Q>
void quantise_group(const float* x, int64_t stride, int32_t* record) {
  using F = typename Q::F;
  const typename F::V x0 = F::load(x), x1 = F::load(x + 16);
  const int32_t bits = Q::max_abs_bits(x0, x1);
  const auto amax = std::bit_cast<float>(bits);
  constexpr int32_t kInfinity = 0x7f800000;
  const bool finite = bits < kInfinity, tiny = amax < 0x1p-118f;  // 127 / amax must not overflow
  const float scale = !finite ? std::bit_cast<float>(0x7fc00000) : tiny ? 0.0f : amax / 127.0f;
  int8_t values[32] = {};
  int32_t sum = 0;
  if (finite && !tiny) {
    const typename F::V inverse = F::set(127.0f / amax);
    sum = Q::store_bytes(values, F::round(F::mul(x0, inverse))) +
          Q::store_bytes(values + 16, F::round(F::mul(x1, inverse)));
  }
  for (int i = 0; i < kQuantQuads; ++i) std::memcpy(record + i * stride, values + 4 * i, 4);
  record[8 * stride] = -128 * sum;
  record[9 * stride] = -8 * sum;
  record[10 * stride] = std::bit_cast<int32_t>(scale);
  record[11 * stride] = std::bit_cast<int32_t>(scale * static_cast<float>(sum));
}

// `rows` rows of `cols` floats into one block of records.
template <class Q>
void quantise_block(const float* x, int64_t rows, int64_t cols, int32_t* record) {
  const int64_t groups = (cols + 63) / 64 * 2;
  int64_t first = 0;
  if constexpr (requires { Q::quantise_eight(x, cols, record); }) {
    for (; rows == kQuantRows && 32 * (first + 1) <= cols; ++first)
      Q::quantise_eight(x + 32 * first, cols, record + first * kActivationWords * kQuantRows);
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t g = first; g < groups; ++g) {
      const int64_t left = cols - 32 * g;
      const float* from = x + r * cols + 32 * g;
      int32_t* to = record + g * kActivationWords * rows + r;
      if (left >= 32) {
        quantise_group<Q>(from, rows, to);
      } else {
        float padded[32] = {};
        for (int64_t i = 0; i < left; ++i) padded[i] = from[i];
        quantise_group<Q>(padded, rows, to);
      }
    }
  }
}

}  // namespace melete
