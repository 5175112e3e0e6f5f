// The matrix product's inner loops, written once over a lane type F (simd_*.h). Layout of panels: gemm.h.
#pragma once

#include <cstdint>

#include "kernels/kernel_table.h"

namespace melete {

// A K block of a 12-row tile of A takes 12 KB and of two panels 32 KB, so the tile stays in the first cache
// level while panels pass; kPanelBlock panels (512 KB) stay in the second while tiles pass.
inline constexpr int64_t kDepthBlock = 256, kPanelBlock = 32;

// c[R, cols] = (add ? c : 0) + a b, one chain of fma over k for each element; then + bias if given.
// a: [depth][R]; b: P panels [depth][16] of float or bfloat16, panel_stride apart.
template <class F, int R, int P, class E>
void gemm_tile(const float* a, const E* b, int64_t depth, int64_t panel_stride, float* c, int64_t c_stride,
               int64_t cols, bool add, const float* bias) {
  using V = typename F::V;
  V acc[R][P];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p)
      acc[r][p] = add ? F::load(c + r * c_stride + 16 * p, cols - 16 * p) : F::zero();
  }
  for (int64_t k = 0; k < depth; ++k) {
    V panel[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) panel[p] = F::load(b + p * panel_stride + 16 * k);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const V x = F::set(a[k * R + r]);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) acc[r][p] = F::fma(x, panel[p], acc[r][p]);
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    const int64_t left = cols - 16 * p;
    const V add_bias = bias == nullptr ? F::zero() : F::load(bias + 16 * p, left);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const V y = bias == nullptr ? acc[r][p] : F::add(acc[r][p], add_bias);
      if (left >= 16) {
        F::store(c + r * c_stride + 16 * p, y);
      } else {
        F::store(c + r * c_stride + 16 * p, y, left);
      }
    }
  }
}

// One tile of R rows over panels [first, last), P at a time.
template <class F, int R, class E>
void gemm_panels(const GemmWork& w, const float* a, int64_t k, int64_t depth, int64_t row, int64_t first,
                 int64_t last) {
  constexpr int P = F::panels(R);
  const int64_t panel_stride = w.depth * 16;
  const bool add = w.accumulate || k > 0;
  const float* bias = k + depth == w.depth ? w.bias : nullptr;
  int64_t p = first;
  const auto run = [&](auto tile, int step) {
    for (; p + step <= last; p += step) {
      tile(a, static_cast<const E*>(w.panels) + p * panel_stride + 16 * k, depth, panel_stride,
           w.c + row * w.cols + 16 * p, w.cols, w.cols - 16 * p, add,
           bias == nullptr ? nullptr : bias + 16 * p);
    }
  };
  run(gemm_tile<F, R, P, E>, P);
  if constexpr (P > 2) run(gemm_tile<F, R, 2, E>, 2);
  if constexpr (P > 1) run(gemm_tile<F, R, 1, E>, 1);
}

template <class F, int R, class E>
void gemm_rows(int64_t rows, const GemmWork& w, const float* a, int64_t k, int64_t depth, int64_t row,
               int64_t first, int64_t last) {
  if (rows == R) {
    gemm_panels<F, R, E>(w, a, k, depth, row, first, last);
  } else if constexpr (R > 1) {
    gemm_rows<F, R - 1, E>(rows, w, a, k, depth, row, first, last);
  }
}

// Rows [row, row + rows) of A's columns [k, k + depth) as [depth][rows].
template <class F>
void pack_tile(const GemmWork& w, int64_t row, int64_t rows, int64_t k, int64_t depth, float* out) {
  if (w.a_col == 1) {
    for (int64_t r = 0; r < rows; ++r) {
      const float* from = w.a + (row + r) * w.a_row + k;
      for (int64_t i = 0; i < depth; ++i) out[i * rows + r] = from[i];
    }
  } else {
    for (int64_t i = 0; i < depth; ++i) {
      const float* from = w.a + row * w.a_row + (k + i) * w.a_col;
      for (int64_t r = 0; r < rows; ++r) out[i * rows + r] = from[r * w.a_row];
    }
  }
}

// Few rows take a deeper block, so that each panel is read in one go.
template <class F, class E>
void gemm_block_of(const GemmWork& w, int64_t row_begin, int64_t row_end, int64_t panel_begin,
                   int64_t panel_end) {
  alignas(64) float tile[F::kMaxRows * kDepthBlock];
  const int64_t rows = row_end - row_begin, tiles = (rows + F::kMaxRows - 1) / F::kMaxRows;
  const int64_t most = tiles == 1 ? F::kMaxRows * kDepthBlock / rows : kDepthBlock;
  for (int64_t k = 0; k < w.depth; k += most) {
    const int64_t depth = w.depth - k < most ? w.depth - k : most;
    for (int64_t first = panel_begin; first < panel_end; first += kPanelBlock) {
      const int64_t last = panel_end - first < kPanelBlock ? panel_end : first + kPanelBlock;
      for (int64_t t = 0; t < tiles; ++t) {
        const int64_t row = row_begin + rows * t / tiles, end = row_begin + rows * (t + 1) / tiles;
        pack_tile<F>(w, row, end - row, k, depth, tile);
        gemm_rows<F, F::kMaxRows, E>(end - row, w, tile, k, depth, row, first, last);
      }
    }
  }
}

template <class F>
void gemm_block(const GemmWork& w, int64_t row_begin, int64_t row_end, int64_t panel_begin,
                int64_t panel_end) {
  if (row_begin == row_end) return;
  if (w.bf16) {
    gemm_block_of<F, uint16_t>(w, row_begin, row_end, panel_begin, panel_end);
  } else {
    gemm_block_of<F, float>(w, row_begin, row_end, panel_begin, panel_end);
  }
}

}  // namespace melete
