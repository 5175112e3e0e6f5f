// What the machine can do at most, for benchmarks that state their share of it: read bandwidth from memory, peaks of
// float32, bfloat16 and byte dot products, cost of one run of the thread pool.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>

#include "base/thread_pool.h"
#include "kernels/cpu.h"
#include "kernels/weight_memory.h"

namespace melete {

inline constexpr int64_t kWeightBytes = int64_t{80} << 20;  // read at a time: more than the last cache holds
inline double seconds_a_number = 0.1;

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Seconds of one call: the best of many short samples, as STREAM takes it, since everything else that runs on
// the machine only ever adds to a sample.
inline double timed(const std::function<void()>& body) {
  constexpr double kSample = 5e-4;
  double best = 1e9;
  const double end = now() + seconds_a_number;
  int repeats = 1;
  for (int sample = 0; sample < 12 || now() < end; ++sample) {
    const double start = now();
    for (int r = 0; r < repeats; ++r) body();
    const double one = (now() - start) / repeats;
    best = std::min(best, one);
    if (sample < 2) repeats = std::max(1, static_cast<int>(kSample / best));
  }
  return best;
}

inline volatile int64_t sink;  // keeps results alive

#define MELETE_TARGET_AVX2 __attribute__((target("avx2,fma")))
#define MELETE_TARGET_AVX512 __attribute__((target("avx512f")))
#define MELETE_TARGET_VNNI __attribute__((target("avx512f,avx512vnni")))
#define MELETE_TARGET_BF16 __attribute__((target("avx512f,avx512bf16")))

MELETE_TARGET_AVX2 inline int64_t read_all(const std::byte* data, int64_t bytes) {
  __m256i sum[8];
  for (__m256i& s : sum) s = _mm256_setzero_si256();
  for (int64_t at = 0; at + 256 <= bytes; at += 256) {
    _mm_prefetch(reinterpret_cast<const char*>(data) + at + 4096, _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(data) + at + 4096 + 64, _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(data) + at + 4096 + 128, _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(data) + at + 4096 + 192, _MM_HINT_T0);
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i)
      sum[i] =
          _mm256_xor_si256(sum[i], _mm256_load_si256(reinterpret_cast<const __m256i*>(data + at + 32 * i)));
  }
  for (int i = 1; i < 8; ++i) sum[0] = _mm256_xor_si256(sum[0], sum[i]);
  return _mm256_extract_epi64(sum[0], 0);
}

inline constexpr int64_t kPeakSteps = 200000;
inline constexpr int kChains = 12;  // independent, so that latency hides

MELETE_TARGET_AVX2 inline int64_t peak_f32_avx2() {
  __m256 x = _mm256_set1_ps(0.5f), sum[kChains];
  for (__m256& s : sum) s = _mm256_set1_ps(1.0f);
  for (int64_t i = 0; i < kPeakSteps; ++i) {
    __asm__ volatile("" : "+x"(x));
#pragma GCC unroll 12
    for (__m256& s : sum) s = _mm256_fmadd_ps(x, x, s);
  }
  for (int i = 1; i < kChains; ++i) sum[0] = _mm256_add_ps(sum[0], sum[i]);
  return static_cast<int64_t>(_mm256_cvtss_f32(sum[0]));
}

MELETE_TARGET_AVX512 inline int64_t peak_f32_avx512() {
  __m512 x = _mm512_set1_ps(0.5f), sum[kChains];
  for (__m512& s : sum) s = _mm512_set1_ps(1.0f);
  for (int64_t i = 0; i < kPeakSteps; ++i) {
    __asm__ volatile("" : "+v"(x));
#pragma GCC unroll 12
    for (__m512& s : sum) s = _mm512_fmadd_ps(x, x, s);
  }
  for (int i = 1; i < kChains; ++i) sum[0] = _mm512_add_ps(sum[0], sum[i]);
  return static_cast<int64_t>(_mm512_cvtss_f32(sum[0]));
}

MELETE_TARGET_VNNI inline int64_t peak_bytes() {
  __m512i x = _mm512_set1_epi8(1), sum[kChains];
  for (__m512i& s : sum) s = _mm512_setzero_si512();
  for (int64_t i = 0; i < kPeakSteps; ++i) {
    __asm__ volatile("" : "+v"(x));
#pragma GCC unroll 12
    for (__m512i& s : sum) s = _mm512_dpbusd_epi32(s, x, x);
  }
  for (int i = 1; i < kChains; ++i) sum[0] = _mm512_add_epi32(sum[0], sum[i]);
  return _mm512_cvtsi512_si32(sum[0]);
}

MELETE_TARGET_BF16 inline int64_t peak_bf16() {
  __m512i bits = _mm512_set1_epi16(0x3f00);
  __m512 sum[kChains];
  for (__m512& s : sum) s = _mm512_setzero_ps();
  for (int64_t i = 0; i < kPeakSteps; ++i) {
    __asm__ volatile("" : "+v"(bits));
#pragma GCC unroll 12
    for (__m512& s : sum) s = _mm512_dpbf16_ps(s, (__m512bh)bits, (__m512bh)bits);
  }
  for (int i = 1; i < kChains; ++i) sum[0] = _mm512_add_ps(sum[0], sum[i]);
  return static_cast<int64_t>(_mm512_cvtss_f32(sum[0]));
}

// Bytes read a second, multiply-adds a second (0 where the machine has none) and seconds of one run of the pool.
struct Machine {
  double bytes_per_s = 0, f32_per_s = 0, int8_per_s = 0, bf16_per_s = 0, run_s = 0;
};

// Multiply-adds a second of a loop that makes `each` of them a chain and step, on every thread.
inline double peak(ThreadPool& pool, int64_t (*loop)(), int each) {
  const int threads = pool.num_threads();
  return threads * static_cast<double>(kPeakSteps * kChains * each) /
         timed([&] { pool.run(threads, [&](int64_t) { sink = loop(); }); });
}

inline Machine measure_machine(ThreadPool& pool) {
  Machine m;
  const bool avx512 = machine_has(Isa::avx512), vnni = machine_has(Isa::avx512_vnni);
  const auto data = allocate_weights(kWeightBytes);
  std::memset(data.get(), 1, static_cast<size_t>(kWeightBytes));
  const int threads = pool.num_threads();
  const double seconds = timed([&] {
    pool.run(threads, [&](int64_t t) {
      const int64_t part = kWeightBytes / threads / 256 * 256;
      sink = read_all(data.get() + part * t, part);
    });
  });
  m.bytes_per_s = static_cast<double>(kWeightBytes) / seconds;
  m.f32_per_s = avx512 ? peak(pool, peak_f32_avx512, 16) : peak(pool, peak_f32_avx2, 8);
  if (vnni) m.int8_per_s = peak(pool, peak_bytes, 64);
  if (avx512 && __builtin_cpu_supports("avx512bf16")) m.bf16_per_s = peak(pool, peak_bf16, 32);
  int64_t count = 0;
  m.run_s = timed([&] {
              for (int i = 0; i < 1000; ++i) pool.run(threads, [&](int64_t task) { count += task == 0; });
            }) /
            1000;
  return m;
}

inline void print(const Machine& m, int threads) {
  std::printf("%d thread%s: read %.1f GB/s, float32 %.0f Gmadd/s", threads, threads == 1 ? "" : "s",
              m.bytes_per_s * 1e-9, m.f32_per_s * 1e-9);
  if (m.int8_per_s > 0) std::printf(", int8 %.0f", m.int8_per_s * 1e-9);
  if (m.bf16_per_s > 0) std::printf(", bf16 %.0f", m.bf16_per_s * 1e-9);
  std::printf("; one run of the pool %.2f us\n", m.run_s * 1e6);
  std::fflush(stdout);
}

#undef MELETE_TARGET_AVX2
#undef MELETE_TARGET_AVX512
#undef MELETE_TARGET_VNNI
#undef MELETE_TARGET_BF16

}  // namespace melete
