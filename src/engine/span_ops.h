// SpanOps: the executor of the model's forward (model/ops.h) on the CPU kernels, without autograd.
//
// One object serves one batch: rows of one or more sequences, each with its position and its key-value pages.
// The result of a row depends on that row's sequence alone (kernels/matrix.h), whatever else is in the batch.
#pragma once

#include <array>
#include <map>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "engine/arena.h"
#include "engine/kv_pages.h"
#include "engine/weight_matrix.h"
#include "model/ops.h"

namespace melete {

// Rows that are looked up, not multiplied, and may lie in the memory-mapped file.
struct RowTable {
  TensorView stored;              // for embed(): rows in the file's format, converted at each look-up,
  QuantMatrix head;               // or this if it isn't empty: a head that holds the same numbers
  std::span<const float> values;  // for weighted_rows()
  std::vector<float> owned;       // empty if `values` belongs to the file
  int64_t rows = 0, width = 0;
};

struct PackedExperts {
  std::vector<WeightMatrix> gate_up, down;  // one an expert: [2I, M] and [M, I]
  std::vector<float> norm;                  // [M]
};

// A depthwise convolution's weight, transposed to [taps, channels].
struct ConvKernel {
  std::vector<float> taps;
};

// `count` rows of one sequence at positions from sequence->length(), reserved.
struct BatchPart {
  KvSequence* sequence = nullptr;
  int64_t count = 0;
};

// theta^(-2j / K) for j in 0..K/2-1, in float32 as the reference computes them.
std::vector<float> rope_frequencies(int64_t head_dim, double theta);

class SpanOps {
 public:
  using Tensor = melete::Tensor;
  using Table = RowTable;
  using Matrix = WeightMatrix;
  using Vector = std::vector<float>;
  using Experts = PackedExperts;
  using Kernel = ConvKernel;

  // `parts` in the order of the rows; empty for towers, which have no positions.
  SpanOps(ThreadPool& pool, Arena& arena, std::span<const BatchPart> parts = {});

  Tensor embed(const Table& table, std::span<const int32_t> ids);
  Tensor constant(std::span<const float> values, int64_t rows, int64_t width);
  Tensor place_rows(Tensor x, const Tensor& rows, std::span<const int64_t> at);
  Tensor gather_rows(const Tensor& x, std::span<const int64_t> index);
  Tensor weighted_rows(const Table& table, std::span<const int64_t> index, std::span<const float> weight,
                       int64_t taps);
  Tensor fold(const Tensor& x, int64_t rows_per_row);
  Tensor channel_major(const Tensor& x, int64_t chunks);

  Tensor linear(const Tensor& x, const Matrix& w);
  Tensor linear(const Tensor& x, const Matrix& w, const Vector& bias);
  template <class... Matrices>
  std::array<Tensor, sizeof...(Matrices)> linears(const Tensor& x, const Matrices&... w) {
    std::array<Tensor, sizeof...(Matrices)> y;
    project(x, std::array<Projection, sizeof...(Matrices)>{Projection{&w, nullptr}...}, y);
    return y;
  }

  // Several projections of one input: y[i] = x W^T (+ bias). Activations are rounded once for all of them.
  struct Projection {
    const Matrix* w = nullptr;
    const Vector* bias = nullptr;  // null or empty: none
  };
  void project(const Tensor& x, std::span<const Projection> projections, std::span<Tensor> y);

  Tensor rms(const Tensor& x, double eps);
  Tensor scaled_rms(const Tensor& x, const Vector& w, double eps);
  Tensor centered_rms(const Tensor& x, const Vector& w, double eps);
  Tensor input_scaled_rms(const Tensor& x, const Vector& w, double eps);
  Tensor head_rms(const Tensor& x, int64_t heads, double eps, double scale);
  // Each head's rms norm times w, one weight for each of its numbers.
  Tensor head_scaled_rms(const Tensor& x, int64_t heads, const Vector& w, double eps);
  Tensor layer_norm(const Tensor& x, const Vector& w, const Vector& b, double eps);

  // Here and below: a first operand that nobody else holds is written over.
  Tensor rope(Tensor x, int64_t heads, double theta);
  // Halves rotated by position * frequencies [K / 2]; `frequencies` must outlive this object.
  Tensor rope(Tensor x, int64_t heads, std::span<const float> frequencies);
  Tensor rotate(Tensor x, int64_t heads, std::span<const float> angles);
  Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionKind& kind);
  Tensor segment_attention(const Tensor& q, const Tensor& k, const Tensor& v, int64_t heads,
                           std::span<const int64_t> lengths);
  Tensor causal_conv(const Tensor& x, const Kernel& kernel, const Vector& bias,
                     std::span<const int64_t> lengths);

  Tensor sigmoid_gate(Tensor x, const Tensor& gate);
  Tensor swiglu(Tensor gate, const Tensor& up);
  Tensor gelu(const Tensor& x);
  Tensor geglu_tanh(Tensor gate, const Tensor& up);  // gelu(gate) * up, gelu by tanh
  Tensor add(Tensor a, const Tensor& b);
  Tensor residual_gate(Tensor x, const Tensor& y, const Vector& gate, double temperature);
  Tensor scale_sigmoid(const Tensor& x, double scale);
  Tensor softcap(const Tensor& x, double scale, double cap);

  Tensor experts(const Tensor& z, const Tensor& score, const Vector& selection_bias, const Experts& experts,
                 const MoeKind& kind);

 private:
  // cos and sin of angles, [rows, K / 2] each.
  struct Rotation {
    std::vector<float> angles, cos, sin;
  };
  Rotation rotation_of(std::vector<float> angles) const;
  Tensor rotated(Tensor x, int64_t heads, const Rotation& rotation);
  // x's own floats if nobody else holds them, else new ones.
  Tensor over(const Tensor& x) { return x.is_unique() ? x : arena_.make(x.rows(), x.width()); }
  Rotation rotation_by(std::span<const float> frequencies) const;
  const AttentionPlan& plan_of(const KvLayout& layout, int64_t layer);

  ThreadPool& pool_;
  Arena& arena_;
  std::vector<BatchPart> parts_;
  std::vector<int64_t> positions_;                        // of each row
  std::map<std::pair<double, int64_t>, Rotation> ropes_;  // by theta and head width
  std::map<const float*, Rotation> given_ropes_;          // by the frequencies' place
  std::map<int64_t, AttentionPlan> plans_;                // by group of layers
  std::vector<PageWrite> writes_;                         // of the layer at hand
  std::vector<float> segment_scratch_;
  Rotation given_;                // the last rotate()'s
  QuantActivations activations_;  // of the last quantised input
};

}  // namespace melete
