// Autograd functions over the CPU kernels of row_kernels.h and attention_kernels.h. Each has an ATen twin in
// torch_ops.cc that its test compares with. Inputs: contiguous CPU tensors of float32 or float64.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "tensor/attention_kernels.h"

namespace melete::functions {

using torch::Tensor;

// rms(x * a) * b * scale over the last dimension; a and b may be undefined (row_kernels.h, RmsRows).
Tensor rms(const Tensor& x, const Tensor& a, const Tensor& b, double eps, double scale);

// alpha * x + beta * y with [width] coefficients.
Tensor mix(const Tensor& x, const Tensor& y, const Tensor& alpha, const Tensor& beta);

Tensor swiglu(const Tensor& gate, const Tensor& up);
Tensor sigmoid_gate(const Tensor& x, const Tensor& gate);

// x [N, heads*K] rotated by tables [N, K/2].
Tensor rotate(const Tensor& x, const Tensor& cosine, const Tensor& sine, int64_t heads);

// Attention within each segment of `lengths` rows.
Tensor packed_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                        const std::vector<int64_t>& lengths, const AttentionShape& shape);

// x W^T (+ b if defined) with both factors rounded to bfloat16 and products summed in float32 (oneDNN); the
// gradients likewise. x_bf16 is x rounded, given so that several projections of one input share it. Outputs
// are float32.
Tensor linear_bf16(const Tensor& x, const Tensor& x_bf16, const Tensor& w, const Tensor& b);

// sum over r of weight[r] * cross_entropy(cap * tanh(h W^T * scale / cap), target[r]), without keeping the
// logits. per_row (if not null) receives the weighted losses, and best the argmax ids, both [R], detached.
Tensor capped_cross_entropy(const Tensor& h_RD, const Tensor& w_VD, const Tensor& target_R,
                            const Tensor& weight_R, double scale, double cap, Tensor* per_row, Tensor* best);

}  // namespace melete::functions
