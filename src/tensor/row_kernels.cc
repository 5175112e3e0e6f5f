#include "tensor/row_kernels.h"

#include <type_traits>

#include "tensor/lanes.h"

#pragma GCC optimize("O3")
#pragma GCC diagnostic ignored "-Wpsabi"

namespace melete {
namespace {

using lanes::kCount;
using lanes::Lanes;
using lanes::load;
using lanes::load_part;
using lanes::store;
using lanes::store_part;

// Calls body(i, count) for whole groups of lanes, then once for the rest; `count` is kCount or what is left.
template <class Body>
MELETE_INLINE void for_lanes(int64_t begin, int64_t end, Body body) {
  int64_t i = begin;
  for (; i + kCount <= end; i += kCount) body(i, std::integral_constant<bool, true>{}, kCount);
  if (i < end) body(i, std::integral_constant<bool, false>{}, end - i);
}

template <class T, class Whole>
MELETE_INLINE Lanes<T> get(const T* p, Whole, int64_t count) {
  if constexpr (Whole::value) return load(p);
  return load_part(p, count);
}

template <class T, class Whole>
MELETE_INLINE void put(T* p, Lanes<T> x, Whole, int64_t count) {
  if constexpr (Whole::value)
    store(p, x);
  else
    store_part(p, x, count);
}

template <class T>
MELETE_INLINE void rms_forward(const RmsRows<T>& k, const T* x, T* y, T* inverse_rms, int64_t begin,
                               int64_t end) {
  for (int64_t r = begin; r < end; ++r) {
    const T* row = x + r * k.width;
    Lanes<T> squares{};
    for_lanes(
        0, k.width, [&](int64_t i, auto whole, int64_t n) __attribute__((always_inline)) {
          Lanes<T> u = get(row + i, whole, n);
          if (k.a) u = u * get(k.a + i, whole, n);
          squares += u * u;
        });
    const T inverse = T(1) / std::sqrt(lanes::sum<T>(squares) / static_cast<T>(k.width) + k.eps);
    inverse_rms[r] = inverse;
    for_lanes(
        0, k.width, [&](int64_t i, auto whole, int64_t n) __attribute__((always_inline)) {
          Lanes<T> u = get(row + i, whole, n) * (inverse * k.scale);
          if (k.a) u = u * get(k.a + i, whole, n);
          if (k.b) u = u * get(k.b + i, whole, n);
          put(y + r * k.width + i, u, whole, n);
        });
  }
}

template <class T>
MELETE_INLINE void rms_backward(const RmsRows<T>& k, const T* x, const T* inverse_rms, const T* dy, T* dx,
                                T* da, T* db, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r) {
    const T inverse = inverse_rms[r];
    const T* row = x + r * k.width;
    const T* g = dy + r * k.width;
    Lanes<T> dots{};
    for_lanes(
        0, k.width, [&](int64_t i, auto whole, int64_t n) __attribute__((always_inline)) {
          Lanes<T> u = get(row + i, whole, n) * inverse, d = get(g + i, whole, n) * k.scale;
          if (k.a) u = u * get(k.a + i, whole, n);
          if (db) put(db + i, get(db + i, whole, n) + d * u, whole, n);
          if (k.b) d = d * get(k.b + i, whole, n);
          dots += d * u;
        });
    const T mean = lanes::sum<T>(dots) / static_cast<T>(k.width);
    for_lanes(
        0, k.width, [&](int64_t i, auto whole, int64_t n) __attribute__((always_inline)) {
          const Lanes<T> xi = get(row + i, whole, n);
          Lanes<T> u = xi * inverse, d = get(g + i, whole, n) * k.scale;
          if (k.a) u = u * get(k.a + i, whole, n);
          if (k.b) d = d * get(k.b + i, whole, n);
          Lanes<T> du = (d - u * mean) * inverse;
          if (da) put(da + i, get(da + i, whole, n) + du * xi, whole, n);
          if (k.a) du = du * get(k.a + i, whole, n);
          put(dx + r * k.width + i, du, whole, n);
        });
  }
}

template <class T>
MELETE_INLINE void mix_forward_rows(const T* x, const T* y0, const T* alpha, const T* beta, T* y,
                                    int64_t width, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r)
    for_lanes(
        0, width, [&](int64_t i, auto whole, int64_t n) __attribute__((always_inline)) {
          const int64_t at = r * width + i;
          put(y + at,
              get(x + at, whole, n) * get(alpha + i, whole, n) +
                  get(y0 + at, whole, n) * get(beta + i, whole, n),
              whole, n);
        });
}

template <class T>
MELETE_INLINE void mix_backward_rows(const T* x, const T* y0, const T* alpha, const T* beta, const T* g,
                                     T* dx, T* dy0, T* dalpha, T* dbeta, int64_t width, int64_t begin,
                                     int64_t end) {
  for (int64_t r = begin; r < end; ++r)
    for_lanes(
        0, width, [&](int64_t i, auto whole, int64_t n) __attribute__((always_inline)) {
          const int64_t at = r * width + i;
          const Lanes<T> d = get(g + at, whole, n);
          put(dalpha + i, get(dalpha + i, whole, n) + d * get(x + at, whole, n), whole, n);
          put(dbeta + i, get(dbeta + i, whole, n) + d * get(y0 + at, whole, n), whole, n);
          put(dx + at, d * get(alpha + i, whole, n), whole, n);
          put(dy0 + at, d * get(beta + i, whole, n), whole, n);
        });
}

template <class T>
MELETE_INLINE void swiglu_forward_range(const T* gate, const T* up, T* y, int64_t begin, int64_t end) {
  for_lanes(
      begin, end, [&](int64_t i, auto whole, int64_t n) __attribute__((always_inline)) {
        const Lanes<T> a = get(gate + i, whole, n);
        put(y + i, a * lanes::sigmoid<T>(a) * get(up + i, whole, n), whole, n);
      });
}

template <class T>
MELETE_INLINE void swiglu_backward_range(const T* gate, const T* up, const T* g, T* dgate, T* dup,
                                         int64_t begin, int64_t end) {
  for_lanes(
      begin, end, [&](int64_t i, auto whole, int64_t n) __attribute__((always_inline)) {
        const Lanes<T> a = get(gate + i, whole, n), d = get(g + i, whole, n), s = lanes::sigmoid<T>(a);
        put(dup + i, d * a * s, whole, n);
        put(dgate + i, d * get(up + i, whole, n) * s * (a * (T(1) - s) + T(1)), whole, n);
      });
}

template <class T>
MELETE_INLINE void sigmoid_gate_forward_range(const T* x, const T* gate, T* y, int64_t begin, int64_t end) {
  for_lanes(
      begin, end, [&](int64_t i, auto whole, int64_t n) __attribute__((always_inline)) {
        put(y + i, get(x + i, whole, n) * lanes::sigmoid<T>(get(gate + i, whole, n)), whole, n);
      });
}

template <class T>
MELETE_INLINE void sigmoid_gate_backward_range(const T* x, const T* gate, const T* g, T* dx, T* dgate,
                                               int64_t begin, int64_t end) {
  for_lanes(
      begin, end, [&](int64_t i, auto whole, int64_t n) __attribute__((always_inline)) {
        const Lanes<T> s = lanes::sigmoid<T>(get(gate + i, whole, n)), d = get(g + i, whole, n);
        put(dx + i, d * s, whole, n);
        put(dgate + i, d * get(x + i, whole, n) * s * (T(1) - s), whole, n);
      });
}

template <class T>
MELETE_INLINE void rotate_range(const T* x, T* y, const T* cosine, const T* sine, int64_t heads,
                                int64_t head_dim, T sign, int64_t begin, int64_t end) {
  const int64_t half = head_dim / 2;
  for (int64_t r = begin; r < end; ++r)
    for (int64_t h = 0; h < heads; ++h) {
      const T* from = x + (r * heads + h) * head_dim;
      T* to = y + (r * heads + h) * head_dim;
      for_lanes(
          0, half, [&](int64_t i, auto whole, int64_t n) __attribute__((always_inline)) {
            const Lanes<T> c = get(cosine + r * half + i, whole, n),
                           s = get(sine + r * half + i, whole, n) * sign;
            const Lanes<T> x1 = get(from + i, whole, n), x2 = get(from + half + i, whole, n);
            put(to + i, x1 * c - x2 * s, whole, n);
            put(to + half + i, x2 * c + x1 * s, whole, n);
          });
    }
}

// tanh(x) = 1 - 2 / (exp(2x) + 1): exact enough here, since the result is scaled by a cap of order 10.
template <class T>
MELETE_INLINE Lanes<T> tanh_lanes(Lanes<T> x) {
  return T(1) - T(2) / (lanes::exp(x * T(2)) + T(1));
}

template <class T>
MELETE_INLINE void cross_entropy_rows(T* z, const int64_t* target, const T* weight, T* loss, int64_t* best,
                                      T scale, T cap, int64_t width, int64_t begin, int64_t end) {
  const T inner = scale / cap;
  for (int64_t r = begin; r < end; ++r) {
    T* row = z + r * width;
    Lanes<T> total{};
    T top = -INFINITY;
    for_lanes(
        0, width, [&](int64_t i, auto whole, int64_t n) __attribute__((always_inline)) {
          const Lanes<T> capped = tanh_lanes<T>(get(row + i, whole, n) * inner) * cap;
          put(row + i, capped, whole, n);
          // |capped| <= cap, so exp(capped - cap) neither overflows nor loses the largest terms.
          Lanes<T> e = lanes::exp(capped - cap);
          if (!decltype(whole)::value)
            for (int64_t j = n; j < kCount; ++j) e[j] = 0;
          total += e;
        });
    int64_t arg = 0;
    for (int64_t i = 0; i < width; ++i)
      if (row[i] > top) top = row[i], arg = i;
    best[r] = arg;
    const T log_total = std::log(lanes::sum<T>(total)) + cap;
    loss[r] = weight[r] * (log_total - row[target[r]]);
    const T w = weight[r] * scale, hit = row[target[r]] / cap;
    for_lanes(
        0, width, [&](int64_t i, auto whole, int64_t n) __attribute__((always_inline)) {
          const Lanes<T> capped = get(row + i, whole, n), t = capped / cap;
          put(row + i, lanes::exp(capped - log_total) * (T(1) - t * t) * w, whole, n);
        });
    row[target[r]] -= w * (T(1) - hit * hit);
  }
}

}  // namespace

// One definition for both types; the float one is compiled for several instruction sets.
#define MELETE_DEFINE_ROW_KERNELS(T, CLONES)                                                                 \
  template <>                                                                                                \
  CLONES void RmsRows<T>::forward(const T* x, T* y, T* inverse_rms, int64_t begin, int64_t end) const {      \
    rms_forward<T>(*this, x, y, inverse_rms, begin, end);                                                    \
  }                                                                                                          \
  template <>                                                                                                \
  CLONES void RmsRows<T>::backward(const T* x, const T* inverse_rms, const T* dy, T* dx, T* da, T* db,       \
                                   int64_t begin, int64_t end) const {                                       \
    rms_backward<T>(*this, x, inverse_rms, dy, dx, da, db, begin, end);                                      \
  }                                                                                                          \
  template <>                                                                                                \
  CLONES void mix_forward<T>(const T* x, const T* y0, const T* alpha, const T* beta, T* y, int64_t width,    \
                             int64_t begin, int64_t end) {                                                   \
    mix_forward_rows<T>(x, y0, alpha, beta, y, width, begin, end);                                           \
  }                                                                                                          \
  template <>                                                                                                \
  CLONES void mix_backward<T>(const T* x, const T* y0, const T* alpha, const T* beta, const T* g, T* dx,     \
                              T* dy0, T* dalpha, T* dbeta, int64_t width, int64_t begin, int64_t end) {      \
    mix_backward_rows<T>(x, y0, alpha, beta, g, dx, dy0, dalpha, dbeta, width, begin, end);                  \
  }                                                                                                          \
  template <>                                                                                                \
  CLONES void swiglu_forward<T>(const T* gate, const T* up, T* y, int64_t begin, int64_t end) {              \
    swiglu_forward_range<T>(gate, up, y, begin, end);                                                        \
  }                                                                                                          \
  template <>                                                                                                \
  CLONES void swiglu_backward<T>(const T* gate, const T* up, const T* g, T* dgate, T* dup, int64_t begin,    \
                                 int64_t end) {                                                              \
    swiglu_backward_range<T>(gate, up, g, dgate, dup, begin, end);                                           \
  }                                                                                                          \
  template <>                                                                                                \
  CLONES void sigmoid_gate_forward<T>(const T* x, const T* gate, T* y, int64_t begin, int64_t end) {         \
    sigmoid_gate_forward_range<T>(x, gate, y, begin, end);                                                   \
  }                                                                                                          \
  template <>                                                                                                \
  CLONES void sigmoid_gate_backward<T>(const T* x, const T* gate, const T* g, T* dx, T* dgate,               \
                                       int64_t begin, int64_t end) {                                         \
    sigmoid_gate_backward_range<T>(x, gate, g, dx, dgate, begin, end);                                       \
  }                                                                                                          \
  template <>                                                                                                \
  CLONES void rotate_rows<T>(const T* x, T* y, const T* cosine, const T* sine, int64_t heads,                \
                             int64_t head_dim, T sign, int64_t begin, int64_t end) {                         \
    rotate_range<T>(x, y, cosine, sine, heads, head_dim, sign, begin, end);                                  \
  }                                                                                                          \
  template <>                                                                                                \
  CLONES void capped_cross_entropy<T>(T * z, const int64_t* target, const T* weight, T* loss, int64_t* best, \
                                      T scale, T cap, int64_t width, int64_t begin, int64_t end) {           \
    cross_entropy_rows<T>(z, target, weight, loss, best, scale, cap, width, begin, end);                     \
  }

MELETE_DEFINE_ROW_KERNELS(float, MELETE_CLONES)
MELETE_DEFINE_ROW_KERNELS(double, )

}  // namespace melete
