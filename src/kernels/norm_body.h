// Inner loops of the norms over a lane type F. Sums run on four accumulators of sixteen lanes in one fixed
// order.
#pragma once

#include "kernels/kernel_table.h"

namespace melete {

// sum over i of term(i, n), where term gives the lanes of elements [i, i + 16), zero beyond n.
template <class F, class Term>
float sum_terms(int64_t width, Term term) {
  using V = typename F::V;
  V acc[4] = {F::zero(), F::zero(), F::zero(), F::zero()};
  int64_t i = 0;
  for (; i + 64 <= width; i += 64) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) acc[j] = term(i + 16 * j, 16, acc[j]);
  }
  for (; i < width; i += 16) acc[0] = term(i, width - i, acc[0]);
  return F::sum(F::add(F::add(acc[0], acc[2]), F::add(acc[1], acc[3])));
}

template <class F>
typename F::V load_part(const float* p, int64_t n) {
  return n >= 16 ? F::load(p) : F::load(p, n);
}

template <class F>
void store_part(float* p, typename F::V x, int64_t n) {
  if (n >= 16) {
    F::store(p, x);
  } else {
    F::store(p, x, n);
  }
}

template <class F, NormWeight kKind>
void rms_rows(const NormWork& w, int64_t row_begin, int64_t row_end) {
  using V = typename F::V;
  const V one = F::set(1.0f);
  // What the row's element is before it is normalised.
  const auto input = [&](const float* x, int64_t i, int64_t n) {
    const V v = load_part<F>(x + i, n);
    if constexpr (kKind != NormWeight::input_centered) return v;
    return F::mul(v, F::add(one, load_part<F>(w.weight + i, n)));
  };
  for (int64_t row = row_begin; row < row_end; ++row) {
    const float* x = w.x + row * w.width;
    float* y = w.y + row * w.width;
    const float squares = sum_terms<F>(w.width, [&](int64_t i, int64_t n, V acc) {
      const V v = input(x, i, n);
      return F::fma(v, v, acc);
    });
    const V inverse = F::set(w.scale / __builtin_sqrtf(squares / static_cast<float>(w.width) + w.eps));
    for (int64_t i = 0; i < w.width; i += 16) {
      const int64_t n = w.width - i;
      V v = F::mul(input(x, i, n), inverse);
      if constexpr (kKind == NormWeight::as_is) v = F::mul(v, load_part<F>(w.weight + i, n));
      if constexpr (kKind == NormWeight::centered) v = F::mul(v, F::add(one, load_part<F>(w.weight + i, n)));
      store_part<F>(y + i, v, n);
    }
  }
}

template <class F>
void rms_any(const NormWork& w, int64_t row_begin, int64_t row_end) {
  switch (w.kind) {
    case NormWeight::none: return rms_rows<F, NormWeight::none>(w, row_begin, row_end);
    case NormWeight::as_is: return rms_rows<F, NormWeight::as_is>(w, row_begin, row_end);
    case NormWeight::centered: return rms_rows<F, NormWeight::centered>(w, row_begin, row_end);
    case NormWeight::input_centered: return rms_rows<F, NormWeight::input_centered>(w, row_begin, row_end);
  }
}

template <class F>
void layer_norm_rows(const NormWork& w, int64_t row_begin, int64_t row_end) {
  using V = typename F::V;
  const float count = static_cast<float>(w.width);
  for (int64_t row = row_begin; row < row_end; ++row) {
    const float* x = w.x + row * w.width;
    float* y = w.y + row * w.width;
    const float sum = sum_terms<F>(
        w.width, [&](int64_t i, int64_t n, V acc) { return F::add(acc, load_part<F>(x + i, n)); });
    const V mean = F::set(sum / count);
    const float squares = sum_terms<F>(w.width, [&](int64_t i, int64_t n, V acc) {
      const V d = F::select(F::first(n), F::sub(load_part<F>(x + i, n), mean), F::zero());
      return F::fma(d, d, acc);
    });
    const V inverse = F::set(1.0f / __builtin_sqrtf(squares / count + w.eps));
    for (int64_t i = 0; i < w.width; i += 16) {
      const int64_t n = w.width - i;
      const V d = F::mul(F::sub(load_part<F>(x + i, n), mean), inverse);
      store_part<F>(y + i, F::fma(d, load_part<F>(w.weight + i, n), load_part<F>(w.bias + i, n)), n);
    }
  }
}

}  // namespace melete
