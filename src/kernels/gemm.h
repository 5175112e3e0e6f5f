// Matrix products: y = x W^T with weights packed once, and general products with transposes for training.
//
// Every output element is one chain of fused multiply-adds over the depth in ascending order, starting at
// zero, then the bias: the contract of matrix.h holds by construction. Method: packed panels and register
// tiles as in Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008); panels of 16
// columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/thread_pool.h"
#include "kernels/matrix.h"

namespace melete {

// Floats that the packed form of a [depth, cols] matrix takes: columns are padded to a multiple of 16.
int64_t packed_size(int64_t depth, int64_t cols);

// Packs B [depth, cols] into panels; element (k, n) is b[k * k_stride + n * n_stride]. For y = x W^T with W
// [N, K]: depth K, cols N, k_stride 1, n_stride K. `out` is packed_size(depth, cols) long.
void pack(ThreadPool& pool, const float* b, int64_t depth, int64_t cols, int64_t k_stride, int64_t n_stride,
          std::span<float> out);

// A packed matrix that belongs to someone else.
struct PackedView {
  const void* panels = nullptr;
  int64_t depth = 0, cols = 0;
  bool bf16 = false;  // panels of bfloat16 bits, else of floats
};

// A weight W [out, in] packed for y = x W^T. Stored as bfloat16 it takes half the memory, and gives the bits
// that the same values as floats would: they are widened as they are read. Copies share one packed form.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  // w is [out, in], row-major: floats, or the bits of bfloat16.
  PackedMatrix(ThreadPool& pool, std::span<const float> w, int64_t out, int64_t in);
  PackedMatrix(ThreadPool& pool, std::span<const uint16_t> bf16_w, int64_t out, int64_t in);

  int64_t in() const { return in_; }
  int64_t out() const { return out_; }
  int64_t bytes() const;  // of the packed form
  PackedView view() const { return {panels_.get(), in_, out_, bf16_}; }

  // values [in] = row `row` of W: a packed matrix can be its own embedding table.
  void row(int64_t row, std::span<float> values) const;

 private:
  friend struct PackedAccess;
  std::shared_ptr<const std::byte> panels_;
  int64_t in_ = 0, out_ = 0;
  bool bf16_ = false;
};

// y_MN = x_MK B_KN (+ bias_N if not empty).
void matmul(ThreadPool& pool, ConstMatrix x, const PackedView& b, std::span<const float> bias, Matrix y);

struct MatmulTarget {
  PackedView b;
  Matrix y;
};

// Several products of one input in one run of the pool: for rows so few that starting threads is what costs.
void matmul_each(ThreadPool& pool, ConstMatrix x, std::span<const MatmulTarget> targets);

// c_MN (+)= op(a) op(b), op transposing where asked; a is [M, K] or [K, M], b is [K, N] or [N, K].
// Training's dX = dY W is (dy, false, w, false), dW = dY^T X is (dy, true, x, false).
// scratch: packed_size(K, N) floats.
void gemm(ThreadPool& pool, ConstMatrix a, bool transpose_a, ConstMatrix b, bool transpose_b, bool accumulate,
          Matrix c, std::span<float> scratch);

}  // namespace melete
