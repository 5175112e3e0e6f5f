// Inner loops of elementwise kernels, rotation, convolution and the row of logits, over a lane type F.
#pragma once

#include "kernels/math_body.h"
#include "kernels/norm_body.h"

namespace melete {

template <class F, class Op>
[[gnu::flatten]] void map_lanes(float* y, int64_t size, Op op) {
  int64_t i = 0;
  for (; i + 16 <= size; i += 16) F::store(y + i, op(i, 16));
  if (i < size) F::store(y + i, op(i, size - i), size - i);
}

template <class F>
void add_lanes(const float* a, const float* b, float* y, int64_t size) {
  map_lanes<F>(y, size,
               [&](int64_t i, int64_t n) { return F::add(load_part<F>(a + i, n), load_part<F>(b + i, n)); });
}

template <class F>
void gelu_lanes(const float* x, float* y, int64_t size) {
  map_lanes<F>(y, size, [&](int64_t i, int64_t n) {
    const auto v = load_part<F>(x + i, n);
    const auto half = F::mul(F::set(0.5f), v);
    return F::fma(half, erf_lanes<F>(F::mul(v, F::set(0.707106781f))), half);
  });
}

template <class F>
void swiglu_lanes(const float* gate, const float* up, float* y, int64_t size) {
  map_lanes<F>(y, size, [&](int64_t i, int64_t n) {
    const auto g = load_part<F>(gate + i, n);
    return F::mul(F::mul(g, sigmoid_lanes<F>(g)), load_part<F>(up + i, n));
  });
}

// gelu by tanh: g / 2 (1 + tanh u) = g sigmoid(2 u) with u = sqrt(2 / pi) (g + 0.044715 g^3), which keeps its
// precision where 1 + tanh u cancels.
template <class F>
void geglu_tanh_lanes(const float* gate, const float* up, float* y, int64_t size) {
  map_lanes<F>(y, size, [&](int64_t i, int64_t n) {
    const auto g = load_part<F>(gate + i, n);
    const auto inner = F::fma(F::mul(g, g), F::set(0.0713548163f), F::set(1.59576912f));
    return F::mul(F::mul(g, sigmoid_lanes<F>(F::mul(g, inner))), load_part<F>(up + i, n));
  });
}

template <class F>
void sigmoid_gate_lanes(const float* x, const float* gate, float* y, int64_t size) {
  map_lanes<F>(y, size, [&](int64_t i, int64_t n) {
    return F::mul(load_part<F>(x + i, n), sigmoid_lanes<F>(load_part<F>(gate + i, n)));
  });
}

template <class F>
void scale_sigmoid_lanes(const float* x, float scale, float* y, int64_t size) {
  map_lanes<F>(y, size, [&](int64_t i, int64_t n) {
    return sigmoid_lanes<F>(F::mul(load_part<F>(x + i, n), F::set(scale)));
  });
}

template <class F>
void softcap_lanes(const float* x, float scale, float cap, float* y, int64_t size) {
  const float inside = scale / cap;
  map_lanes<F>(y, size, [&](int64_t i, int64_t n) {
    return F::mul(F::set(cap), tanh_lanes<F>(F::mul(load_part<F>(x + i, n), F::set(inside))));
  });
}

template <class F>
void exp_all(const float* x, float* y, int64_t size) {
  map_lanes<F>(y, size, [&](int64_t i, int64_t n) { return exp_lanes<F>(load_part<F>(x + i, n)); });
}

template <class F>
void erf_all(const float* x, float* y, int64_t size) {
  map_lanes<F>(y, size, [&](int64_t i, int64_t n) { return erf_lanes<F>(load_part<F>(x + i, n)); });
}

// out = alpha x + beta y; alpha and beta are worked out once for a block of rows.
template <class F>
void residual_gate_rows(const float* x, const float* y, const float* gate, float temperature, float* out,
                        int64_t width, int64_t row_begin, int64_t row_end) {
  constexpr int64_t kRows = 32;
  for (int64_t block = row_begin; block < row_end; block += kRows) {
    const int64_t end = row_end - block < kRows ? row_end : block + kRows;
    for (int64_t i = 0; i < width; i += 16) {
      const int64_t n = width - i;
      const auto w = F::div(load_part<F>(gate + i, n), F::set(temperature));
      const auto beta = sigmoid_lanes<F>(w), against = sigmoid_lanes<F>(F::sub(F::zero(), w));
      const auto alpha = F::sqrt(F::max(F::mul(against, F::add(F::set(1.0f), beta)), F::set(1e-3f)));
      for (int64_t row = block; row < end; ++row) {
        const int64_t at = row * width + i;
        const auto part = F::mul(beta, load_part<F>(y + at, n));
        store_part<F>(out + at, F::fma(alpha, load_part<F>(x + at, n), part), n);
      }
    }
  }
}

template <class F>
void weighted_rows_sum(const float* table, int64_t width, const int64_t* index, const float* weight,
                       int64_t taps, float* y, int64_t row_begin, int64_t row_end) {
  for (int64_t row = row_begin; row < row_end; ++row) {
    for (int64_t i = 0; i < width; i += 16) {
      auto acc = F::zero();
      for (int64_t j = row * taps; j < (row + 1) * taps; ++j)
        acc = F::fma(F::set(weight[j]), load_part<F>(table + index[j] * width + i, width - i), acc);
      store_part<F>(y + row * width + i, acc, width - i);
    }
  }
}

// Halves of each head rotated: (a, b) -> (a cos - b sin, b cos + a sin); cos and sin are [rows, head_dim /
// 2].
template <class F>
void rotate_rows(const float* x, const float* cos, const float* sin, float* y, int64_t heads,
                 int64_t head_dim, int64_t row_begin, int64_t row_end) {
  const int64_t half = head_dim / 2;
  for (int64_t row = row_begin; row < row_end; ++row) {
    for (int64_t head = 0; head < heads; ++head) {
      const int64_t at = (row * heads + head) * head_dim;
      for (int64_t i = 0; i < half; i += 16) {
        const int64_t n = half - i;
        const auto c = load_part<F>(cos + row * half + i, n), s = load_part<F>(sin + row * half + i, n);
        const auto a = load_part<F>(x + at + i, n), b = load_part<F>(x + at + half + i, n);
        store_part<F>(y + at + i, F::sub(F::mul(a, c), F::mul(b, s)), n);
        store_part<F>(y + at + half + i, F::add(F::mul(b, c), F::mul(a, s)), n);
      }
    }
  }
}

// y[t] = bias + sum_j weight[j] x[t - taps + 1 + j]; rows before 0 come from history, [taps - 1, channels].
template <class F>
void conv_rows(const float* x, const float* history, const float* weight, const float* bias, float* y,
               int64_t channels, int64_t taps, int64_t row_begin, int64_t row_end) {
  for (int64_t row = row_begin; row < row_end; ++row) {
    for (int64_t i = 0; i < channels; i += 16) {
      const int64_t n = channels - i;
      auto acc = load_part<F>(bias + i, n);
      for (int64_t j = 0; j < taps; ++j) {
        const int64_t from = row - taps + 1 + j;
        const float* source = from < 0 ? history + (from + taps - 1) * channels : x + from * channels;
        acc = F::fma(load_part<F>(weight + j * channels + i, n), load_part<F>(source + i, n), acc);
      }
      store_part<F>(y + row * channels + i, acc, n);
    }
  }
}

template <class F>
bool all_finite_lanes(const float* x, int64_t size) {
  const auto infinity = F::set(__builtin_inff());
  for (int64_t i = 0; i < size; i += 16) {
    const auto finite = F::less(F::abs(load_part<F>(x + i, size - i)), infinity);
    if (F::any(F::without(F::first(size - i), finite))) return false;
  }
  return true;
}

template <class F>
float max_all(const float* x, int64_t size) {
  auto best = F::set(x[0]);
  int64_t i = 0;
  for (; i + 16 <= size; i += 16) best = F::max(F::load(x + i), best);
  if (i < size) best = F::max(F::select(F::first(size - i), F::load(x + i, size - i), best), best);
  return F::max(best);
}

template <class F>
float sum_exp_all(const float* x, float shift, int64_t size) {
  return sum_terms<F>(size, [&](int64_t i, int64_t n, typename F::V acc) {
    const auto e = exp_lanes<F>(F::sub(load_part<F>(x + i, n), F::set(shift)));
    return F::add(acc, F::select(F::first(n), e, F::zero()));
  });
}

template <class F>
int64_t next_above_bound(const float* x, float bound, int64_t begin, int64_t size) {
  int64_t i = begin;
  for (; i + 16 <= size; i += 16) {
    if (F::any(F::less(F::set(bound), F::load(x + i)))) break;
  }
  while (i < size && !(x[i] > bound)) ++i;
  return i;
}

}  // namespace melete
