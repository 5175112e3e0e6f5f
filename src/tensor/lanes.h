// Sixteen lanes of float or double as one value, for loops that the compiler turns into the widest vectors of
// the instruction set a function is compiled for. Functions that use it carry MELETE_CLONES: one copy an
// instruction set, chosen by the loader. Sums have a fixed order (lane by lane, then a fixed tree), so
// results don't depend on the copy's vector width, only on whether it fuses multiply and add (it never does:
// -ffp-contract=off).
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define MELETE_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MELETE_CLONES
#endif
#define MELETE_INLINE __attribute__((always_inline)) inline

namespace melete::lanes {

constexpr int64_t kCount = 16;

template <class T>
struct LanesOf;
template <>
struct LanesOf<float> {
  typedef float type __attribute__((vector_size(kCount * sizeof(float))));
};
template <>
struct LanesOf<double> {
  typedef double type __attribute__((vector_size(kCount * sizeof(double))));
};
template <class T>
using Lanes = typename LanesOf<T>::type;

template <class T>
MELETE_INLINE Lanes<T> load(const T* from) {
  Lanes<T> x;
  std::memcpy(&x, from, sizeof x);
  return x;
}

template <class T>
MELETE_INLINE void store(T* to, Lanes<T> x) {
  std::memcpy(to, &x, sizeof x);
}

template <class T>
MELETE_INLINE Lanes<T> fill(T value) {
  return Lanes<T>{} + value;
}

template <class T>
MELETE_INLINE Lanes<T> load_part(const T* from, int64_t count) {
  Lanes<T> x{};
  std::memcpy(&x, from, static_cast<size_t>(count) * sizeof(T));
  return x;
}

template <class T>
MELETE_INLINE void store_part(T* to, Lanes<T> x, int64_t count) {
  std::memcpy(to, &x, static_cast<size_t>(count) * sizeof(T));
}

template <class T>
MELETE_INLINE T sum(Lanes<T> x) {
  T t[kCount];
  std::memcpy(t, &x, sizeof x);
  for (int64_t half = kCount / 2; half > 0; half /= 2)
    for (int64_t i = 0; i < half; ++i) t[i] += t[i + half];
  return t[0];
}

// exp(x), relative error below 2e-7 for floats; 0 below the smallest normal, saturates above the largest.
MELETE_INLINE Lanes<float> exp(Lanes<float> x) {
  typedef int32_t Ints __attribute__((vector_size(kCount * sizeof(int32_t))));
  x = x < -87.3f ? fill(-87.3f) : x;
  x = x > 88.3f ? fill(88.3f) : x;
  const Lanes<float> shifted = x * 1.44269504f + 12582912.f;  // 1.5 * 2^23: rounds to the nearest integer
  const Lanes<float> n = shifted - 12582912.f;
  const Lanes<float> r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Lanes<float> p = fill(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.f;
  const Ints bits = (__builtin_convertvector(n, Ints) + 127) << 23;
  Lanes<float> power;
  std::memcpy(&power, &bits, sizeof power);
  return p * power;
}

MELETE_INLINE Lanes<double> exp(Lanes<double> x) {
  for (int64_t i = 0; i < kCount; ++i) x[i] = std::exp(x[i]);
  return x;
}

template <class T>
MELETE_INLINE Lanes<T> sigmoid(Lanes<T> x) {
  return T(1) / (exp(-x) + T(1));
}

}  // namespace melete::lanes
