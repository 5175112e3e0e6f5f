#include "tensor/torch_ops.h"

#include <numeric>

#include "base/check.h"
#include "tensor/functions.h"
#include "tensor/lanes.h"

namespace melete {
namespace {

using torch::Tensor;
using torch::indexing::Slice;

// (x1, x2) -> (x1 c - x2 s, x2 c + x1 s) for x [N, heads, K] and tables [N, K/2].
Tensor rotate_halves(const Tensor& x_NHK, const Tensor& cosine, const Tensor& sine, int64_t heads) {
  const auto halves = x_NHK.view({x_NHK.size(0), heads, 2, -1});
  const Tensor x1 = halves.select(2, 0), x2 = halves.select(2, 1), c = cosine.unsqueeze(1),
               s = sine.unsqueeze(1);
  return torch::stack({x1 * c - x2 * s, x2 * c + x1 * s}, 2).view_as(x_NHK);
}

// The ATen reference of packed attention: one segment after another.
Tensor attention_by_segment(const Tensor& q, const Tensor& k, const Tensor& v,
                            const std::vector<int64_t>& lengths, const AttentionShape& shape) {
  const int64_t share = shape.heads / shape.kv_heads;
  const auto heads_first = [](const Tensor& x, int64_t heads) {
    return x.view({x.size(0), heads, -1}).transpose(0, 1);
  };
  std::vector<Tensor> outputs;
  int64_t row = 0;
  for (const int64_t S : lengths) {
    const Tensor q_HSK = heads_first(q.narrow(0, row, S), shape.heads);
    const Tensor k_HSK = heads_first(k.narrow(0, row, S), shape.kv_heads).repeat_interleave(share, 0);
    const Tensor v_HSK = heads_first(v.narrow(0, row, S), shape.kv_heads).repeat_interleave(share, 0);
    Tensor score_HSS = q_HSK.matmul(k_HSK.transpose(1, 2)) / std::sqrt(static_cast<double>(shape.head_dim));
    if (shape.causal) {
      Tensor hidden_SS = torch::ones({S, S}, q.options().dtype(torch::kBool)).triu(1);
      if (shape.window > 0)
        hidden_SS = hidden_SS | torch::ones({S, S}, hidden_SS.options()).tril(-shape.window);
      score_HSS = score_HSS.masked_fill(hidden_SS, -std::numeric_limits<double>::infinity());
    }
    outputs.push_back(score_HSS.softmax(-1).matmul(v_HSK).transpose(0, 1).reshape({S, -1}));
    row += S;
  }
  return torch::cat(outputs, 0);
}

Tensor plain_rms(const Tensor& x, const Tensor& a, const Tensor& b, double eps, double scale) {
  const Tensor u = a.defined() ? x * a : x;
  Tensor y = u * torch::rsqrt(u.pow(2).mean(-1, /*keepdim=*/true) + eps);
  if (b.defined()) y = y * b;
  return scale == 1.0 ? y : y * scale;
}

}  // namespace

TorchOps::TorchOps(std::vector<int64_t> document_lengths, torch::TensorOptions options, bool fused, bool bf16)
    : document_lengths_(std::move(document_lengths)),
      options_(options),
      fused_(fused && options.device().is_cpu()),
      bf16_(bf16) {}

Tensor TorchOps::indices(std::span<const int64_t> values) const {
  return torch::from_blob(const_cast<int64_t*>(values.data()), {static_cast<int64_t>(values.size())},
                          torch::kInt64)
      .to(options_.device(), torch::kInt64, /*non_blocking=*/false, /*copy=*/true);
}

Tensor TorchOps::constant(std::span<const float> values, int64_t rows, int64_t width) {
  MELETE_CHECK(static_cast<int64_t>(values.size()) == rows * width, values.size(), " values for ", rows,
               " x ", width);
  return torch::from_blob(const_cast<float*>(values.data()), {rows, width}, torch::kFloat32)
      .to(options_.device(), torch::typeMetaToScalarType(options_.dtype()), /*non_blocking=*/false,
          /*copy=*/true);
}

Tensor TorchOps::embed(const Table& table, std::span<const int32_t> ids) {
  const std::vector<int64_t> wide(ids.begin(), ids.end());
  return torch::embedding(table, indices(wide));
}

Tensor TorchOps::place_rows(Tensor x_ND, Tensor rows_MD, std::span<const int64_t> at) {
  MELETE_CHECK(static_cast<int64_t>(at.size()) == rows_MD.size(0), at.size(), " places for ", rows_MD.size(0),
               " rows");
  return x_ND.index_copy(0, indices(at), rows_MD);
}

Tensor TorchOps::gather_rows(Tensor x, std::span<const int64_t> index) {
  return x.index_select(0, indices(index));
}

Tensor TorchOps::weighted_rows(const Table& table, std::span<const int64_t> index,
                               std::span<const float> weight, int64_t taps) {
  const Tensor rows = torch::embedding(table, indices(index)).view({-1, taps, table.size(1)});
  return (rows * constant(weight, rows.size(0), taps).unsqueeze(2)).sum(1);
}

Tensor TorchOps::fold(Tensor x, int64_t steps) {
  return x.contiguous().view({x.size(0) / steps, steps * x.size(1)});
}

Tensor TorchOps::channel_major(Tensor x, int64_t chunks) {
  return x.view({x.size(0), chunks, -1}).transpose(1, 2).reshape({x.size(0), -1});
}

Tensor TorchOps::rounded(const Tensor& x) {
  if (!last_input_.is_same(x)) {
    last_input_ = x;
    last_rounded_ = x.detach().to(torch::kBFloat16);
  }
  return last_rounded_;
}

Tensor TorchOps::linear(Tensor x, const Matrix& w) {
  return bf16_ ? functions::linear_bf16(x, rounded(x), w, {}) : torch::mm(x, w.t());
}
Tensor TorchOps::linear(Tensor x, const Matrix& w, const Vector& b) {
  return bf16_ ? functions::linear_bf16(x, rounded(x), w, b) : torch::addmm(b, x, w.t());
}

Tensor TorchOps::rms_with(Tensor x, const Tensor& a, const Tensor& b, double eps, double scale) {
  return fused_ ? functions::rms(x, a, b, eps, scale) : plain_rms(x, a, b, eps, scale);
}
Tensor TorchOps::rms(Tensor x, double eps) { return rms_with(x, {}, {}, eps, 1.0); }
Tensor TorchOps::scaled_rms(Tensor x, const Vector& w, double eps) { return rms_with(x, {}, w, eps, 1.0); }
Tensor TorchOps::centered_rms(Tensor x, const Vector& w, double eps) {
  return rms_with(x, {}, w + 1.0, eps, 1.0);
}
Tensor TorchOps::input_scaled_rms(Tensor x, const Vector& w, double eps) {
  return rms_with(x, w + 1.0, {}, eps, 1.0);
}
Tensor TorchOps::head_rms(Tensor x_NHK, int64_t heads, double eps, double scale) {
  return rms_with(x_NHK.contiguous().view({x_NHK.size(0), heads, -1}), {}, {}, eps, scale).view_as(x_NHK);
}

Tensor TorchOps::layer_norm(Tensor x, const Vector& w, const Vector& b, double eps) {
  return torch::layer_norm(x, {x.size(-1)}, w, b, eps);
}

Tensor TorchOps::rope(Tensor x_NHK, int64_t heads, double theta) {
  const auto found =
      std::find_if(rope_tables_.begin(), rope_tables_.end(), [&](const auto& t) { return t.first == theta; });
  if (found == rope_tables_.end()) {
    const int64_t half = x_NHK.size(1) / heads / 2;
    std::vector<Tensor> positions;
    for (const int64_t length : document_lengths_) positions.push_back(torch::arange(length, options_));
    const Tensor exponent = torch::arange(half, options_) / static_cast<double>(half);
    const Tensor angle = torch::outer(torch::cat(positions), torch::pow(theta, -exponent));
    rope_tables_.push_back({theta, {angle.cos(), angle.sin()}});
    return rope(x_NHK, heads, theta);
  }
  const auto& [cosine, sine] = found->second;
  return fused_ ? functions::rotate(x_NHK, cosine, sine, heads) : rotate_halves(x_NHK, cosine, sine, heads);
}

Tensor TorchOps::rotate(Tensor x_NHK, int64_t heads, std::span<const float> angles) {
  const Tensor angle = constant(angles, x_NHK.size(0), static_cast<int64_t>(angles.size()) / x_NHK.size(0));
  const Tensor cosine = angle.cos(), sine = angle.sin();
  return fused_ ? functions::rotate(x_NHK, cosine, sine, heads) : rotate_halves(x_NHK, cosine, sine, heads);
}

Tensor TorchOps::attention(Tensor q, Tensor k, Tensor v, const AttentionKind& kind) {
  const AttentionShape shape{kind.heads, kind.kv_heads, kind.head_dim, true, kind.window};
  if (fused_ && kind.head_dim % lanes::kCount == 0)
    return functions::packed_attention(q, k, v, document_lengths_, shape);
  return attention_by_segment(q, k, v, document_lengths_, shape);
}

Tensor TorchOps::segment_attention(Tensor q, Tensor k, Tensor v, int64_t heads,
                                   std::span<const int64_t> lengths) {
  const AttentionShape shape{heads, heads, q.size(1) / heads, false, 0};
  const std::vector<int64_t> segments(lengths.begin(), lengths.end());
  if (fused_ && shape.head_dim % lanes::kCount == 0)
    return functions::packed_attention(q, k, v, segments, shape);
  return attention_by_segment(q, k, v, segments, shape);
}

Tensor TorchOps::causal_conv(Tensor x_NC, const Kernel& w, const Vector& b,
                             std::span<const int64_t> lengths) {
  const int64_t channels = x_NC.size(1), taps = w.size(2);
  std::vector<Tensor> outputs;
  int64_t row = 0;
  for (const int64_t length : lengths) {
    const Tensor padded = torch::constant_pad_nd(x_NC.narrow(0, row, length), {0, 0, taps - 1, 0});
    // A sum of shifted rows: for a depthwise kernel of 7 this beats the general convolution by far on a CPU.
    Tensor y = padded.narrow(0, 0, length) * w.select(2, 0).view({1, channels});
    for (int64_t t = 1; t < taps; ++t)
      y = y + padded.narrow(0, t, length) * w.select(2, t).view({1, channels});
    outputs.push_back(y + b);
    row += length;
  }
  return torch::cat(outputs, 0);
}

Tensor TorchOps::sigmoid_gate(Tensor x, Tensor gate) {
  return fused_ ? functions::sigmoid_gate(x, gate) : x * torch::sigmoid(gate);
}
Tensor TorchOps::swiglu(Tensor gate, Tensor up) {
  return fused_ ? functions::swiglu(gate, up) : torch::silu(gate) * up;
}
Tensor TorchOps::gelu(Tensor x) { return torch::gelu(x); }
Tensor TorchOps::add(Tensor x, Tensor y) { return x + y; }

Tensor TorchOps::residual_gate(Tensor x, Tensor y, const Vector& gate, double temperature) {
  constexpr double kLeastSquare = 1e-3;  // of alpha: a saturated gate still lets the stream through
  const Tensor w = gate / temperature, beta = torch::sigmoid(w);
  const Tensor alpha = torch::sqrt(torch::clamp_min(torch::sigmoid(-w) * (beta + 1.0), kLeastSquare));
  return fused_ ? functions::mix(x, y, alpha, beta) : alpha * x + beta * y;
}

Tensor TorchOps::scale_sigmoid(Tensor x, double scale) { return torch::sigmoid(x * scale); }

Tensor TorchOps::softcap(Tensor x, double scale, double cap) { return torch::tanh(x * (scale / cap)) * cap; }

Tensor TorchOps::experts(Tensor z_NM, Tensor score_NE, const Vector& selection_bias, const Experts& w,
                         const MoeKind& kind) {
  const Tensor chosen =
      std::get<1>((score_NE + selection_bias).detach().topk(kind.experts_per_token, 1));  // [N, k]
  Tensor weight = score_NE.gather(1, chosen);
  weight = weight / (weight.sum(1, /*keepdim=*/true) + 1e-15) * kind.routed_scaling_factor;
  const int64_t num_experts = w.down.size(0);
  expert_loads_.push_back(torch::bincount(chosen.flatten(), {}, num_experts));
  Tensor y = torch::zeros_like(z_NM);
  for (int64_t e = 0; e < num_experts; ++e) {
    const auto places = (chosen == e).nonzero();  // [n, 2]: row and choice
    if (places.size(0) == 0) continue;
    const Tensor row = places.select(1, 0), choice = places.select(1, 1);
    const auto halves = linear(z_NM.index_select(0, row), w.gate_up[e]).chunk(2, 1);
    const Tensor out =
        input_scaled_rms(linear(swiglu(halves[0], halves[1]), w.down[e]), w.norm, kind.post_norm_eps);
    const Tensor share = weight.index({row, choice}).unsqueeze(1);
    y = y.index_add(0, row, out * share);
  }
  return y;
}

}  // namespace melete
