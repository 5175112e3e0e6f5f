// TorchOps: the executor of the model's forward for training, on libtorch with autograd (model/ops.h says
// what each operation computes). float32 or float64 (gradient checks). On the CPU, attention and the
// elementwise operations are autograd functions over one-pass kernels (row_kernels.h, attention_kernels.h);
// elsewhere plain ATen, which is also the reference that their tests compare with.
#pragma once

#include <torch/torch.h>

#include <array>
#include <span>
#include <vector>

#include "model/ops.h"

namespace melete {

struct TorchExperts {
  torch::Tensor gate_up, down, norm;  // [E, 2I, M], [E, M, I], [M]
};

class TorchOps {
 public:
  using Tensor = torch::Tensor;
  using Table = torch::Tensor;
  using Matrix = torch::Tensor;
  using Vector = torch::Tensor;
  using Kernel = torch::Tensor;
  using Experts = TorchExperts;

  // document_lengths: rows of each document, one after another. `options`: dtype and device of activations.
  // fused false forces the plain ATen operations everywhere. bf16: matrix products round their factors to
  // bfloat16.
  TorchOps(std::vector<int64_t> document_lengths, torch::TensorOptions options, bool fused = true,
           bool bf16 = false);

  Tensor embed(const Table& table, std::span<const int32_t> ids);
  Tensor constant(std::span<const float> values, int64_t rows, int64_t width);
  Tensor place_rows(Tensor x_ND, Tensor rows_MD, std::span<const int64_t> at);
  Tensor gather_rows(Tensor x, std::span<const int64_t> index);
  Tensor weighted_rows(const Table& table, std::span<const int64_t> index, std::span<const float> weight,
                       int64_t taps);
  Tensor fold(Tensor x, int64_t steps);
  Tensor channel_major(Tensor x, int64_t chunks);
  Tensor linear(Tensor x, const Matrix& w);
  Tensor linear(Tensor x, const Matrix& w, const Vector& b);
  template <class... Matrices>
  std::array<Tensor, sizeof...(Matrices)> linears(Tensor x, const Matrices&... w) {
    return {linear(x, w)...};
  }
  Tensor rms(Tensor x, double eps);
  Tensor scaled_rms(Tensor x, const Vector& w, double eps);
  Tensor centered_rms(Tensor x, const Vector& w, double eps);
  Tensor input_scaled_rms(Tensor x, const Vector& w, double eps);
  Tensor head_rms(Tensor x_NHK, int64_t heads, double eps, double scale);
  Tensor layer_norm(Tensor x, const Vector& w, const Vector& b, double eps);
  Tensor rope(Tensor x_NHK, int64_t heads, double theta);
  Tensor rotate(Tensor x_NHK, int64_t heads, std::span<const float> angles);
  Tensor attention(Tensor q, Tensor k, Tensor v, const AttentionKind& kind);
  Tensor segment_attention(Tensor q, Tensor k, Tensor v, int64_t heads, std::span<const int64_t> lengths);
  Tensor causal_conv(Tensor x_NC, const Kernel& w, const Vector& b, std::span<const int64_t> lengths);
  Tensor sigmoid_gate(Tensor x, Tensor gate);
  Tensor swiglu(Tensor gate, Tensor up);
  Tensor gelu(Tensor x);
  Tensor add(Tensor x, Tensor y);
  Tensor residual_gate(Tensor x, Tensor y, const Vector& gate, double temperature);
  Tensor scale_sigmoid(Tensor x, double scale);
  Tensor experts(Tensor z_NM, Tensor score_NE, const Vector& selection_bias, const Experts& w,
                 const MoeKind& kind);
  Tensor softcap(Tensor x, double scale, double cap);

  // How often each expert was chosen in each call of experts(), in order: [E] counts, for balancing the
  // selection bias.
  const std::vector<Tensor>& expert_loads() const { return expert_loads_; }

 private:
  Tensor indices(std::span<const int64_t> values) const;
  Tensor rounded(const Tensor& x);
  Tensor rms_with(Tensor x, const Tensor& a, const Tensor& b, double eps, double scale);

  std::vector<int64_t> document_lengths_;
  torch::TensorOptions options_;
  bool fused_, bf16_;
  Tensor last_input_, last_rounded_;  // the projections of one input share its rounding
  std::vector<std::pair<double, std::array<Tensor, 2>>> rope_tables_;  // by theta: cosine and sine, [N, K/2]
  std::vector<Tensor> expert_loads_;
};

}  // namespace melete
