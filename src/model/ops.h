// What the model's forward asks of an executor. The forward is written once (decoder.h, moe.h, vision.h,
// audio.h) as templates over an Ops type: TorchOps (src/tensor: autograd, any device) and SpanOps
// (src/engine: kernels, pages).
//
// Every activation is two-dimensional, [rows, width]: rows are the positions of all documents or sequences of
// the batch, one after another, so the forward never sees padding. An Ops object is made for one batch and
// knows which rows belong together, their positions, and (SpanOps) their pages.
//
// An Ops type has the member types
//   Tensor   an activation, [rows, width]          Table    embedding or position table, [entries, width]
//   Matrix   a weight y = x W^T, W is [out, in]     Vector   a weight of one dimension (norms, biases, gates)
//   Experts  the stacked weights of all experts     Kernel   a depthwise convolution's weight, [channels, 1,
//   taps]
// and the operations below; N rows, C width, H heads, K head width. Sizes that don't fit are bugs, not input
// errors: the caller has checked the config and the prompt.
//
//   Tensor embed(const Table&, std::span<const int32_t> ids)                 -> [ids, D]
//   Tensor constant(std::span<const float>, int64_t rows, int64_t width)     no gradient flows into it
//   Tensor place_rows(Tensor x_ND, Tensor rows_MD, std::span<const int64_t> at)   x[at[i]] = rows[i]
//   Tensor gather_rows(Tensor x, std::span<const int64_t> index)             y[i] = x[index[i]]
//   Tensor weighted_rows(const Table&, std::span<const int64_t> index, std::span<const float> weight, int64_t
//   taps)
//                                                                            y[i] = sum_j weight[i,j]
//                                                                            table[index[i,j]]
//   Tensor fold(Tensor x_NC, int64_t p)                                      the same numbers as [N/p, p*C]
//   Tensor channel_major(Tensor x_NC, int64_t s)                             x: s chunks of C/s -> y[c*s + j]
//   = x[j*(C/s) + c] Tensor linear(Tensor, const Matrix&) / (Tensor, const Matrix&, const Vector& bias)
//   std::array<Tensor, n> linears(Tensor, const Matrix&...)                  several projections of one input
//   Tensor rms(Tensor, double eps)                                           x / sqrt(mean(x^2) + eps)
//   Tensor scaled_rms(Tensor, const Vector& w, double eps)                   rms(x) * w
//   Tensor centered_rms(Tensor, const Vector& w, double eps)                 rms(x) * (1 + w)
//   Tensor input_scaled_rms(Tensor, const Vector& w, double eps)             rms(x * (1 + w))
//   Tensor head_rms(Tensor x_NHK, int64_t heads, double eps, double scale)   rms of each head, times scale
//   Tensor layer_norm(Tensor, const Vector& w, const Vector& b, double eps)
//   Tensor rope(Tensor x_NHK, int64_t heads, double theta)                   halves rotated by the row's
//   position Tensor rotate(Tensor x_NHK, int64_t heads, std::span<const float> angle_NK2)   halves rotated by
//   given angles, [N, K/2] Tensor attention(Tensor q_NHK, Tensor k_NGK, Tensor v_NGK, const AttentionKind&)
//   causal, within a document, cached Tensor segment_attention(Tensor q, Tensor k, Tensor v, int64_t heads,
//   std::span<const int64_t> lengths)
//                                                                            every row sees its whole segment
//   Tensor causal_conv(Tensor x_NC, const Kernel&, const Vector& bias, std::span<const int64_t> lengths)
//   Tensor sigmoid_gate(Tensor x, Tensor gate)                               x * sigmoid(gate)
//   Tensor swiglu(Tensor gate, Tensor up)                                    silu(gate) * up
//   Tensor gelu(Tensor)                                                      x * Phi(x), with erf
//   Tensor add(Tensor, Tensor)
//   Tensor residual_gate(Tensor x, Tensor y, const Vector& gate, double temperature)   see decoder.h
//   Tensor scale_sigmoid(Tensor, double scale)                               sigmoid(x * scale)
//   Tensor experts(Tensor z_NM, Tensor score_NE, const Vector& selection_bias, const Experts&, const
//   MoeKind&)   see moe.h Tensor softcap(Tensor, double scale, double cap)                         cap *
//   tanh(x * scale / cap)
#pragma once

#include <cstdint>

namespace melete {

// One layer's attention. window 0: every earlier position; else a query at i sees keys i-window+1 .. i.
struct AttentionKind {
  int64_t layer = 0;
  int64_t heads = 0, kv_heads = 0, head_dim = 0;
  int64_t window = 0;
};

// One sparse layer's routing (moe.h).
struct MoeKind {
  int64_t experts_per_token = 0;
  double routed_scaling_factor = 1;
  double post_norm_eps = 1e-8;
};

}  // namespace melete
