// The loops of quantised products, written once over an integer lane type Q (simd_int_*.h) and its float
// lanes Q::F. Layouts: quant_layout.h; the arithmetic: quant.h.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "kernels/kernel_table.h"
#include "kernels/quant_layout.h"

namespace melete {

// How far ahead of the multiplication weights are asked for: memory's latency times one core's share of its
// bandwidth is a few thousand bytes.
inline constexpr int64_t kPrefetchBytes = 4096;

template <QuantFormat kFormat>
inline constexpr int64_t kQuantBytes = kFormat == QuantFormat::w8 ? 512 : 256;  // of one group

// Integer dot products of one group: R rows by P panels. x: [8][stride] quads, of R rows.
template <class Q, QuantFormat kFormat, int R, int P>
void quant_dots(const char* quants, int64_t panel_stride, const int32_t* x, int64_t stride,
                typename Q::I (&dot)[R][P]) {
  constexpr bool kWide = kFormat == QuantFormat::w8;
#pragma GCC unroll 8
  for (int i = 0; i < (kWide ? 8 : 4); ++i) {
    typename Q::W w[P];
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) w[p] = Q::load(quants + p * panel_stride + 64 * i);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const typename Q::A a = Q::quad(x[i * stride + r]);
#pragma GCC unroll 4
      for (int p = 0; p < P; ++p) dot[r][p] = Q::dot(dot[r][p], kWide ? w[p] : Q::low(w[p]), a);
    }
    if constexpr (!kWide) {
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const typename Q::A a = Q::quad(x[(i + 4) * stride + r]);
#pragma GCC unroll 4
        for (int p = 0; p < P; ++p) dot[r][p] = Q::dot(dot[r][p], Q::high(w[p]), a);
      }
    }
  }
}

template <class Q>
typename Q::F::V quant_scale(const char* p, bool half, int which) {
  return half ? Q::load_half(p + 32 * which) : Q::F::load(reinterpret_cast<const float*>(p + 64 * which));
}

// Adds one group's products to acc[first_row ..][P]. x: the group's activation record, from the tile's first
// row.
template <class Q, QuantFormat kFormat, int R, int P, int kRows>
void quant_group(const char* record, int64_t panel_stride, bool half, int which, const int32_t* x,
                 int64_t stride, typename Q::F::V (&acc)[R][P], int first_row) {
  using F = typename Q::F;
  constexpr int64_t kBytes = kQuantBytes<kFormat>;
  constexpr int kStart = kFormat == QuantFormat::w8 ? 8 : 9;
  typename Q::I dot[kRows][P];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p)
      dot[r][p] = Q::set(kFormat == QuantFormat::w4 ? 0 : x[kStart * stride + first_row + r]);
  }
  quant_dots<Q, kFormat, kRows, P>(record + which * kBytes, panel_stride, x + first_row, stride, dot);
  const char* scales = record + 2 * kBytes;
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p) {
    const typename F::V scale = quant_scale<Q>(scales + p * panel_stride, half, which);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const typename F::V a = F::set(std::bit_cast<float>(x[10 * stride + first_row + r]));
      acc[first_row + r][p] = F::fma(F::mul(Q::to_float(dot[r][p]), scale), a, acc[first_row + r][p]);
    }
    if constexpr (kFormat == QuantFormat::w4) {
      const typename F::V offset = quant_scale<Q>(scales + p * panel_stride, half, 2 + which);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const typename F::V sum = F::set(std::bit_cast<float>(x[11 * stride + first_row + r]));
        acc[first_row + r][p] = F::fma(offset, sum, acc[first_row + r][p]);
      }
    }
  }
}

// y[R, 16 P] of R rows of a block of `stride` rows. More accumulators than registers hold are spared by
// taking the rows of a group in two halves: floats live through all groups, integers through one.
template <class Q, QuantFormat kFormat, int R, int P>
void quant_tile(const QuantWork& w, const char* panel, const int32_t* x, int64_t stride, int64_t row,
                int64_t col) {
  using F = typename Q::F;
  constexpr int kParts = R * P > 8 && R % 2 == 0 ? 2 : 1, kRows = R / kParts;
  const int64_t record_bytes = w.record_bytes, panel_stride = w.pairs * record_bytes;
  typename F::V acc[R][P];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) acc[r][p] = F::zero();
  }
  for (int64_t pair = 0; pair < w.pairs; ++pair) {
    for (int64_t at = 0; at < record_bytes; at += 64) Q::prefetch(panel + at + kPrefetchBytes);
#pragma GCC unroll 1
    for (int which = 0; which < 2; ++which) {
#pragma GCC unroll 2
      for (int part = 0; part < kParts; ++part)
        quant_group<Q, kFormat, R, P, kRows>(panel, panel_stride, w.half, which, x, stride, acc,
                                             part * kRows);
      x += kActivationWords * stride;
    }
    panel += record_bytes;
  }
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p) {
    const int64_t first = col + 16 * p, left = w.cols - first;
    const typename F::V bias = w.bias == nullptr ? F::zero() : F::load(w.bias + first, left);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const typename F::V y = w.bias == nullptr ? acc[r][p] : F::add(acc[r][p], bias);
      float* to = w.y + (row + r) * w.cols + first;
      left >= 16 ? F::store(to, y) : F::store(to, y, left);
    }
  }
}

// Rows [0, rows) of a block, R at a time, over P panels.
template <class Q, QuantFormat kFormat, int R, int P>
void quant_rows(int64_t rows, const QuantWork& w, const char* panel, const int32_t* x, int64_t row,
                int64_t col) {
  if constexpr (R == Q::kMaxRows && R < kQuantRows) {
    int64_t r = 0;
    for (; r + R <= rows; r += R) quant_tile<Q, kFormat, R, P>(w, panel, x + r, rows, row + r, col);
    if constexpr (R > 1) {
      if (r < rows) quant_tile<Q, kFormat, 1, P>(w, panel, x + r, rows, row + r, col);
    }
  } else if (rows == R) {
    quant_tile<Q, kFormat, R, P>(w, panel, x, R, row, col);
  } else if constexpr (R > 1) {
    quant_rows<Q, kFormat, R - 1, P>(rows, w, panel, x, row, col);
  }
}

// Panels outside and rows inside, so that the weights of a few columns stay near while all rows pass.
template <class Q, QuantFormat kFormat>
void quant_panels_of(const QuantWork& w, int64_t block_begin, int64_t block_end, int64_t panel_begin,
                     int64_t panel_end) {
  const int64_t panel_stride = w.pairs * w.record_bytes;
  const int64_t block_words = kQuantRows * 2 * w.pairs * kActivationWords;
  constexpr int P = Q::panels(kQuantRows);
  const bool many = P > 1 && w.rows - block_begin * kQuantRows >= kQuantRows;
  for (int64_t p = panel_begin; p < panel_end;) {
    const int64_t step = many && p + P <= panel_end ? P : 1;
    const char* panel = static_cast<const char*>(w.panels) + p * panel_stride;
    for (int64_t block = block_begin; block < block_end; ++block) {
      const int64_t row = block * kQuantRows, rows = w.rows - row < kQuantRows ? w.rows - row : kQuantRows;
      const int32_t* x = w.x + block * block_words;
      if (step == 1) {
        quant_rows<Q, kFormat, Q::kMaxRows, 1>(rows, w, panel, x, row, p * kQuantColumns);
      } else {
        quant_rows<Q, kFormat, Q::kMaxRows, P>(rows, w, panel, x, row, p * kQuantColumns);
      }
    }
    p += step;
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
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t g = 0; g < groups; ++g) {
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
