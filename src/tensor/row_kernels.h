// Forward and backward of the elementwise and row-wise operations of training, over ranges of rows so that a
// caller can spread them over threads. One pass over memory each. T is float or double (double for gradient
// checks).
//
// Rows are [width] apart. Gradients of parameters are added to `d...` buffers, which belong to the caller's
// chunk of rows: chunks are summed in order, so results don't depend on the number of threads.
#pragma once

#include <cstdint>

namespace melete {

// y = u / sqrt(mean(u^2) + eps) * b with u = x * a. a and b may be null (ones). scale multiplies y.
template <class T>
struct RmsRows {
  int64_t width = 0;
  T eps = 0, scale = 1;
  const T* a = nullptr;  // [width]
  const T* b = nullptr;  // [width]
  void forward(const T* x, T* y, T* inverse_rms, int64_t begin, int64_t end) const;
  // inverse_rms as forward wrote it. da, db: [width] or null where a or b is null.
  void backward(const T* x, const T* inverse_rms, const T* dy, T* dx, T* da, T* db, int64_t begin,
                int64_t end) const;
};

// y = alpha * x + beta * y0; dx = alpha * g, dy0 = beta * g; dalpha += g * x, dbeta += g * y0.
template <class T>
void mix_forward(const T* x, const T* y0, const T* alpha, const T* beta, T* y, int64_t width, int64_t begin,
                 int64_t end);
template <class T>
void mix_backward(const T* x, const T* y0, const T* alpha, const T* beta, const T* g, T* dx, T* dy0,
                  T* dalpha, T* dbeta, int64_t width, int64_t begin, int64_t end);

// Elementwise over [begin, end) of flat arrays.
// swiglu: y = gate * sigmoid(gate) * up. sigmoid_gate: y = x * sigmoid(gate).
template <class T>
void swiglu_forward(const T* gate, const T* up, T* y, int64_t begin, int64_t end);
template <class T>
void swiglu_backward(const T* gate, const T* up, const T* g, T* dgate, T* dup, int64_t begin, int64_t end);
template <class T>
void sigmoid_gate_forward(const T* x, const T* gate, T* y, int64_t begin, int64_t end);
template <class T>
void sigmoid_gate_backward(const T* x, const T* gate, const T* g, T* dx, T* dgate, int64_t begin,
                           int64_t end);

// Rotates the halves of each of `heads` heads of a row: (x1, x2) -> (x1 c - x2 s, x2 c + x1 s); cosine and
// sine are [rows, head_dim / 2]. sign -1 is the inverse, which is also the backward.
template <class T>
void rotate_rows(const T* x, T* y, const T* cosine, const T* sine, int64_t heads, int64_t head_dim, T sign,
                 int64_t begin, int64_t end);

// Row-wise cross-entropy of capped logits, in place: z holds raw logits and becomes d loss / d raw logits;
// capped = cap * tanh(z * scale / cap); loss[r] = weight[r] * (logsumexp(capped) - capped[target]).
// best[r] is the row's argmax (for accuracy).
template <class T>
void capped_cross_entropy(T* z, const int64_t* target, const T* weight, T* loss, int64_t* best, T scale,
                          T cap, int64_t width, int64_t begin, int64_t end);

}  // namespace melete
