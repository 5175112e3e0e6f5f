// Elementwise kernels, rotation, short convolution and weighted sums of rows. Outputs may be an input, except
// where said. exp, tanh, erf and sigmoid are within 2 ulp of the true value (math_body.h).
#pragma once

#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "kernels/matrix.h"

namespace melete {

void add(ThreadPool& pool, ConstMatrix a, ConstMatrix b, Matrix y);
void gelu(ThreadPool& pool, ConstMatrix x, Matrix y);                             // x Phi(x), with erf
void swiglu(ThreadPool& pool, ConstMatrix gate, ConstMatrix up, Matrix y);        // gate sigmoid(gate) up
void geglu_tanh(ThreadPool& pool, ConstMatrix gate, ConstMatrix up, Matrix y);    // gelu_tanh(gate) up
void sigmoid_gate(ThreadPool& pool, ConstMatrix x, ConstMatrix gate, Matrix y);   // x sigmoid(gate)
void scale_sigmoid(ThreadPool& pool, ConstMatrix x, float scale, Matrix y);       // sigmoid(scale x)
void softcap(ThreadPool& pool, ConstMatrix x, float scale, float cap, Matrix y);  // cap tanh(scale x / cap)

// out = alpha x + beta y with beta = sigmoid(g / temperature) and alpha = sqrt(max(sigmoid(-g / temperature)
// (1 + beta), 1e-3)); g is one row (muse_spark, "Text decoder", step 4).
void residual_gate(ThreadPool& pool, ConstMatrix x, ConstMatrix y, std::span<const float> gate,
                   float temperature, Matrix out);

// Rotates the halves of each head: (a, b) -> (a cos - b sin, b cos + a sin). x is [N, heads * K]; cos and sin
// are [N, K / 2]. Source: 2104.09864 §3.4.2, halves instead of pairs.
void rotate(ThreadPool& pool, ConstMatrix x, std::span<const float> cos, std::span<const float> sin,
            int64_t heads, Matrix y);

// Causal depthwise convolution: y[t] = bias + sum_j w[j] x[t - taps + 1 + j]. w is [taps, C] (a checkpoint's
// [C, 1, taps] transposed); history holds the taps - 1 rows before x (zeros at the start). y is not x.
void causal_conv(ThreadPool& pool, ConstMatrix x, std::span<const float> history, std::span<const float> w,
                 std::span<const float> bias, Matrix y);

// y[i] = sum_j weight[i, j] table[index[i, j]], in the order of j; taps = index.size() / y.rows. y is not
// table.
void weighted_rows(ThreadPool& pool, ConstMatrix table, std::span<const int64_t> index,
                   std::span<const float> weight, Matrix y);

// No value is infinite or not-a-number.
bool all_finite(std::span<const float> x);

void exp(std::span<const float> x, std::span<float> y);
void erf(std::span<const float> x, std::span<float> y);

}  // namespace melete
