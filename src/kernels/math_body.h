// exp, tanh, erf and sigmoid on sixteen lanes, within 2 ulp (erf and tanh: of values above 1e-37), written
// once over F. Coefficients: own minimax fits (Lawson's algorithm in double) on the ranges given at each.
#pragma once

#include <cstdint>

namespace melete {

// Horner's rule; coefficients from the highest power down.
template <class F, int N>
typename F::V polynomial(typename F::V x, const float (&c)[N]) {
  typename F::V y = F::set(c[0]);
#pragma GCC unroll 16
  for (int i = 1; i < N; ++i) y = F::fma(y, x, F::set(c[i]));
  return y;
}

// y 2^n for integral n, rounded once.
template <class F>
typename F::V scaled_by_exp2(typename F::V y, typename F::V n) {
  if constexpr (requires { F::scale_exp2(y, n); }) {
    return F::scale_exp2(y, n);
  } else {
    // In two steps, since 2^n alone leaves the range of normal numbers where the result may still be
    // representable; the first is exact.
    const auto low = F::half(n);
    return F::mul(F::mul(y, F::exp2i(low)), F::exp2i(F::sub(n, low)));
  }
}

// e^x = 2^n e^r, |r| <= ln 2 / 2; 0 below -104, infinity above 88.8, also for infinite x; not-a-number stays.
template <class F>
typename F::V exp_lanes(typename F::V x) {
  using V = typename F::V;
  constexpr float kQ[] = {1.9790342e-4f, 1.3944660e-3f, 8.3334967e-3f, 4.1666295e-2f, 1.6666666e-1f, 0.5f};
  const V bounded = F::max(F::set(-104.0f), F::min(F::set(89.0f), x));
  const V n = F::round(F::mul(bounded, F::set(1.44269504f)));
  V r = F::fma(n, F::set(-0.693145752f), bounded);
  r = F::fma(n, F::set(-1.42860677e-6f), r);
  const V y = F::add(F::set(1.0f), F::fma(F::mul(r, r), polynomial<F>(r, kQ), r));
  return scaled_by_exp2<F>(y, n);
}

// c 2^x = 2^n c 2^r, |r| <= 1/2, for x <= 0 and within 4e-6 of the value, exact for x = 0; 0 below -150;
// not-a-number stays.
template <class F, int c = 1>
typename F::V exp2_lanes(typename F::V x) {
  using V = typename F::V;
  constexpr float kP[] = {c * 9.78291221e-3f, c * 5.59768826e-2f, c * 2.40207106e-1f, c * 6.93113625e-1f, c};
  const V bounded = F::max(F::set(-152.0f), x), n = F::round(bounded);
  return scaled_by_exp2<F>(polynomial<F>(F::sub(bounded, n), kP), n);
}

template <class F>
typename F::V sigmoid_lanes(typename F::V x) {
  const typename F::V one = F::set(1.0f);
  return F::div(one, F::add(one, exp_lanes<F>(F::sub(F::zero(), x))));
}

// x + x^3 P(x^2) to 0.55, then 1 - 2 / (e^2x + 1).
template <class F>
typename F::V tanh_lanes(typename F::V x) {
  using V = typename F::V;
  constexpr float kP[] = {2.2269723e-3f,  -8.2627423e-3f, 2.1732720e-2f,
                          -5.3952165e-2f, 1.3333246e-1f,  -3.3333331e-1f};
  const V one = F::set(1.0f), a = F::abs(x), s = F::mul(x, x);
  const V small = F::fma(F::mul(x, s), polynomial<F>(s, kP), x);
  const V big = F::sub(one, F::div(F::set(2.0f), F::add(exp_lanes<F>(F::add(a, a)), one)));
  return F::select(F::less(a, F::set(0.55f)), small, F::copysign(big, x));
}

// x + x P(x^2) to 0.94, then 1 - e^-(t + t Q(t)) with t = |x|.
template <class F>
typename F::V erf_lanes(typename F::V x) {
  using V = typename F::V;
  constexpr float kP[] = {8.1850732e-5f, -8.0976979e-4f, 5.1969513e-3f, -2.6857704e-2f,
                          1.1283664e-1f, -3.7612632e-1f, 1.2837917e-1f};
  constexpr float kQ[] = {5.2970777e-6f,  -4.9941384e-5f, -2.7430638e-5f, 2.8691087e-3f,
                          -2.2575596e-2f, 1.0516947e-1f,  6.3567317e-1f,  1.2854144e-1f};
  const V t = F::abs(x), bounded = F::min(t, F::set(4.05f)), s = F::mul(x, x);
  const V small = F::fma(x, polynomial<F>(s, kP), x);
  const V decay = F::fma(bounded, polynomial<F>(bounded, kQ), bounded);
  const V big = F::sub(F::set(1.0f), exp_lanes<F>(F::sub(F::zero(), decay)));
  return F::select(F::less(t, F::set(0.94f)), small, F::copysign(big, x));
}

}  // namespace melete
