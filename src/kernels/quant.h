// Products y = x W^T of 8-bit or 16-bit activations with 8-bit or 4-bit weights.
//
// A weight row is cut into groups of 32 inputs, each with a float scale s (and for W4 an offset m):
//   W8: w = q s,      q in [-128, 127]   (GGUF's Q8_0)
//   W4: w = q s + m,  q in [0, 15]       (Q4_0: m = -8 s; Q4_1; Q4_K's blocks)
// An activation row is cut likewise: a = amax / n, v = round(x n / amax), ties to even; n = 127, or 16256 for
// activations of int16, which take twice the products.
// With the integer dot product d_g = sum q v (of q - 8 if every offset is -8 s) and e_g = sum v,
//   y = sum over g ascending of fma(float(d_g) s_g, a_g, .), for W4 with offsets then fma(m_g, a_g
//   float(e_g), .)
// then + bias. Integers are exact and the float part has one order, so matrix.h's contract holds on every
// instruction set. A row with an infinity or NaN gives NaN everywhere.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/matrix.h"
#include "kernels/quant_layout.h"

namespace melete {

inline constexpr int64_t kQuantGroup = 32;

// Groups of a row of `in` inputs; the last may be short.
constexpr int64_t quant_groups(int64_t in) { return (in + kQuantGroup - 1) / kQuantGroup; }

// How scales and offsets are stored. f16 takes half the memory; every value must be exactly a half.
enum class ScaleType : int32_t { f16, f32 };

// Writes row `row`: values [in], scales [quant_groups(in)], offsets [quant_groups(in)]. Called once a row,
// from the pool's threads.
using FillW8 = std::function<void(int64_t row, std::span<int8_t> values, std::span<float> scales)>;
using FillW4 = std::function<void(int64_t row, std::span<uint8_t> values, std::span<float> scales,
                                  std::span<float> offsets)>;

// The scales and offsets of a W4 row as products of halves, one a pair of groups, with bytes, one a group:
//   s = scale[g / 2] scale_factor[g],  m = offset[g / 2] offset_factor[g]
// Q4_K's, whose offset is -dmin; each product must be exact in float, as it is for factors below 8192.
struct W4Factors {
  std::span<float> scale, offset;                  // [quant_groups(in) / 2], rounded up
  std::span<uint8_t> scale_factor, offset_factor;  // [quant_groups(in)]
};
using FillW4Factored = std::function<void(int64_t row, std::span<uint8_t> values, const W4Factors& factors)>;

// A weight W [out, in], packed. Copies share one packed form.
class QuantMatrix {
 public:
  QuantMatrix() = default;

  static QuantMatrix w8(ThreadPool& pool, int64_t out, int64_t in, ScaleType type, const FillW8& fill);
  // symmetric: every offset is -8 times its scale (Q4_0); fill needn't write them, and none are stored.
  static QuantMatrix w4(ThreadPool& pool, int64_t out, int64_t in, ScaleType type, bool symmetric,
                        const FillW4& fill);

  // Takes 5 bits a weight, where scales and offsets as floats would take 6.
  static QuantMatrix w4_factored(ThreadPool& pool, int64_t out, int64_t in, const FillW4Factored& fill);

  // From whole arrays: values [out, in], scales and offsets [out, quant_groups(in)]; the storage is chosen by
  // what the scales allow.
  static QuantMatrix w8(ThreadPool& pool, std::span<const int8_t> values, std::span<const float> scales,
                        int64_t out, int64_t in);
  static QuantMatrix w4(ThreadPool& pool, std::span<const uint8_t> values, std::span<const float> scales,
                        std::span<const float> offsets, int64_t out, int64_t in);

  // Rounds w [out, in], read a row at a time through fill(row, values [in]).
  using FillFloats = std::function<void(int64_t row, std::span<float> values)>;
  static QuantMatrix round_to_w8(ThreadPool& pool, int64_t out, int64_t in, const FillFloats& fill);
  static QuantMatrix round_to_w4(ThreadPool& pool, int64_t out, int64_t in, const FillFloats& fill);

  int64_t in() const { return in_; }
  int64_t out() const { return out_; }
  int bits() const;       // 8 or 4
  int64_t bytes() const;  // of the packed form
  bool empty() const { return panels_ == nullptr; }

  // values [in] = row `row` of W, each rounded once: a quantised matrix is its own embedding table.
  void row(int64_t row, std::span<float> values) const;

 private:
  friend struct QuantAccess;
  std::shared_ptr<const std::byte> panels_;
  int64_t in_ = 0, out_ = 0;
  int32_t format_ = 0;
};

// y [ids, in]: row i is W's row ids[i].
void lookup_rows(const QuantMatrix& w, std::span<const int32_t> ids, Matrix y);

// Activations rounded to 8 or 16 bits: made once, used by every matrix of that input. Keep one and assign to
// it: its memory is reused.
class QuantActivations {
 public:
  void assign(ThreadPool& pool, ConstMatrix x, ActivationType type = ActivationType::int8);
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  ActivationType type() const { return type_; }

 private:
  friend struct QuantAccess;
  ActivationType type_ = ActivationType::int8;
  std::vector<int32_t> records_;
  int64_t rows_ = 0, cols_ = 0;
};

// y [rows, out] = x W^T (+ bias [out] if not empty).
void matmul(ThreadPool& pool, const QuantActivations& x, const QuantMatrix& w, std::span<const float> bias,
            Matrix y);

struct QuantTarget {
  const QuantMatrix* w = nullptr;
  Matrix y;
  std::span<const float> bias;
};

// Several products of one input in one run of the pool; at most 8.
void matmul_each(ThreadPool& pool, const QuantActivations& x, std::span<const QuantTarget> targets);

}  // namespace melete
