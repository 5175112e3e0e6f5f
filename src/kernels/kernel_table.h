// The inner loops of every kernel, one table an instruction set. Internal to the room: the public functions
// are in gemm.h, norm.h, rope.h, activation.h, conv.h, logits.h; the loops in *_body.h,
// instantiated by table_*.cc.
//
// Only pointers and plain structs cross this border, so that no inline function of a library is compiled for
// an instruction set that the machine may lack and then chosen by the linker for all.
#pragma once

#include <cstdint>

#include "kernels/quant_layout.h"

namespace melete {

// c[rows, cols] (+)= a[rows, depth] b[depth, cols] + bias; a's element (r, k) is a[r * a_row + k * a_col].
struct GemmWork {
  const float* a;
  int64_t a_row, a_col;
  const void* panels;  // [ceil(cols / 16)][depth][16] of float, or of bfloat16 bits
  bool bf16;
  int64_t depth, cols;
  float* c;           // row stride cols
  const float* bias;  // [cols] or null
  bool accumulate;
};

// y[rows, cols] = x w + bias; layouts of panels and x: quant_layout.h.
struct QuantWork {
  const void* panels;
  int64_t pairs, record_bytes;
  QuantFormat format;
  bool half;
  const int32_t* x;
  ActivationType type;  // of x
  int64_t rows, cols;
  float* y;           // row stride cols
  const float* bias;  // [cols] or null
};

enum class NormWeight : int32_t { none, as_is, centered, input_centered };

struct NormWork {
  const float* x;
  float* y;
  int64_t width;
  const float* weight;  // [width], null for NormWeight::none
  const float* bias;    // layer norm only
  NormWeight kind;
  float eps, scale;
};

struct KernelTable {
  int32_t gemm_rows;  // rows of a tile: row ranges are best cut at multiples of it
  void (*gemm)(const GemmWork&, int64_t row_begin, int64_t row_end, int64_t panel_begin, int64_t panel_end);
  void (*quant_matmul)(const QuantWork&, int64_t block_begin, int64_t block_end, int64_t panel_begin,
                       int64_t panel_end);
  // Groups of the rows of one block.
  void (*quantise)(const float* x, int64_t rows, int64_t cols, ActivationType type, int64_t group_begin,
                   int64_t group_end, int32_t* block);
  void (*rms)(const NormWork&, int64_t row_begin, int64_t row_end);
  void (*layer_norm)(const NormWork&, int64_t row_begin, int64_t row_end);
  void (*rotate)(const float* x, const float* cos, const float* sin, float* y, int64_t heads,
                 int64_t head_dim, int64_t row_begin, int64_t row_end);
  void (*conv)(const float* x, const float* history, const float* weight, const float* bias, float* y,
               int64_t channels, int64_t taps, int64_t row_begin, int64_t row_end);
  void (*add)(const float* a, const float* b, float* y, int64_t n);
  void (*gelu)(const float* x, float* y, int64_t n);
  void (*swiglu)(const float* gate, const float* up, float* y, int64_t n);
  void (*geglu_tanh)(const float* gate, const float* up, float* y, int64_t n);
  void (*sigmoid_gate)(const float* x, const float* gate, float* y, int64_t n);
  void (*scale_sigmoid)(const float* x, float scale, float* y, int64_t n);
  void (*softcap)(const float* x, float scale, float cap, float* y, int64_t n);
  void (*exp)(const float* x, float* y, int64_t n);
  void (*erf)(const float* x, float* y, int64_t n);
  void (*residual_gate)(const float* x, const float* y, const float* gate, float temperature, float* out,
                        int64_t width, int64_t row_begin, int64_t row_end);
  void (*weighted_rows)(const float* table, int64_t width, const int64_t* index, const float* weight,
                        int64_t taps, float* y, int64_t row_begin, int64_t row_end);
  bool (*all_finite)(const float* x, int64_t n);
  float (*max)(const float* x, int64_t n);
  float (*sum_exp)(const float* x, float shift, int64_t n);  // sum of e^(x - shift)
  int64_t (*next_above)(const float* x, float bound, int64_t begin,
                        int64_t n);  // first i >= begin with x[i] > bound, or n
};

const KernelTable& kernel_table_scalar();
const KernelTable& kernel_table_avx2();
const KernelTable& kernel_table_avx512();
const KernelTable& kernel_table_avx512_vnni();

// The table of active_isa().
const KernelTable& kernel_table();

}  // namespace melete
