// share of the machine's read bandwidth and arithmetic peaks that the matrix products reach
//
// usage: bench_kernels [THREADS] [SECONDS_A_NUMBER]. First the machine: read bandwidth from memory, peaks of
// float32, bfloat16 and byte dot products, cost of one run of the thread pool. Then each kind of weight on
// the shapes of real models, from matrices that together are larger than the last cache: one row and eight
// rows (GB/s of packed weights, share of the bandwidth), 512 rows (multiply-adds, share of the peak).
#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/thread_pool.h"
#include "kernels/cpu.h"
#include "kernels/gemm.h"
#include "kernels/quant.h"
#include "kernels/weight_memory.h"

namespace melete {
namespace {

constexpr int64_t kWeightBytes = int64_t{80}
                                 << 20;  // of all matrices of a shape: more than the last cache holds
double seconds_a_number = 0.1;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Seconds of one call: the best of many short samples, as STREAM takes it, since everything else that runs on
// the machine only ever adds to a sample.
double timed(const std::function<void()>& body) {
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

volatile int64_t sink;  // keeps results alive

#define MELETE_TARGET_AVX2 __attribute__((target("avx2,fma")))
#define MELETE_TARGET_AVX512 __attribute__((target("avx512f")))
#define MELETE_TARGET_VNNI __attribute__((target("avx512f,avx512vnni")))
#define MELETE_TARGET_BF16 __attribute__((target("avx512f,avx512bf16")))

MELETE_TARGET_AVX2 int64_t read_all(const std::byte* data, int64_t bytes) {
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

constexpr int64_t kPeakSteps = 200000;
constexpr int kChains = 12;  // independent, so that latency hides

MELETE_TARGET_AVX2 int64_t peak_f32_avx2() {
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

MELETE_TARGET_AVX512 int64_t peak_f32_avx512() {
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

MELETE_TARGET_VNNI int64_t peak_bytes() {
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

MELETE_TARGET_BF16 int64_t peak_bf16() {
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

struct Machine {
  double bytes_per_s = 0, f32_per_s = 0,
         int8_per_s = 0;  // multiply-adds of the last two; 0 where it has none
};

// Multiply-adds a second of a loop that makes `each` of them a chain and step, on every thread.
double peak(ThreadPool& pool, int64_t (*loop)(), int each) {
  const int threads = pool.num_threads();
  return threads * static_cast<double>(kPeakSteps * kChains * each) /
         timed([&] { pool.run(threads, [&](int64_t) { sink = loop(); }); });
}

Machine measure_machine(ThreadPool& pool) {
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
  std::printf("%d thread%s: read %.1f GB/s, float32 %.0f Gmadd/s", threads, threads == 1 ? "" : "s",
              m.bytes_per_s * 1e-9, m.f32_per_s * 1e-9);
  if (vnni) std::printf(", int8 %.0f", m.int8_per_s * 1e-9);
  if (avx512 && __builtin_cpu_supports("avx512bf16"))
    std::printf(", bf16 %.0f", peak(pool, peak_bf16, 32) * 1e-9);
  int64_t count = 0;
  const double run = timed([&] {
    for (int i = 0; i < 1000; ++i) pool.run(threads, [&](int64_t task) { count += task == 0; });
  });
  std::printf("; one run of the pool %.2f us\n", run * 1e3);
  std::fflush(stdout);
  return m;
}

// One kind of weights of one shape: multiply(i, rows) is the i-th matrix by the input's first `rows` rows.
struct Product {
  int64_t count = 0, bytes = 0;  // matrices, and bytes of one
  std::function<void(int64_t i, int64_t rows)> multiply;
  bool integer = false;
};

constexpr int64_t kMostRows = 512;

void report(const char* kind, int64_t out, int64_t in, const Machine& machine, const Product& p) {
  const auto pass = [&](int64_t rows, int64_t count) {
    return timed([&] {
             for (int64_t i = 0; i < count; ++i) p.multiply(i, rows);
           }) /
           static_cast<double>(count);
  };
  const double one = pass(1, p.count), eight = pass(8, p.count);
  const double many = pass(kMostRows, std::max<int64_t>(1, 500000 / (out * in)));
  const double bandwidth = static_cast<double>(p.bytes) / one;
  const double rate = static_cast<double>(out * in * kMostRows) / many;
  const double best = p.integer && machine.int8_per_s > 0 ? machine.int8_per_s : machine.f32_per_s;
  std::printf(
      "%-8s %6lld x %-5lld %8.1f us %6.1f GB/s %4.0f %%   8 rows x%.2f   512 rows %6.0f Gmadd/s %4.0f %%\n",
      kind, static_cast<long long>(out), static_cast<long long>(in), one * 1e6, bandwidth * 1e-9,
      100 * bandwidth / machine.bytes_per_s, eight / one, rate * 1e-9, 100 * rate / best);
  std::fflush(stdout);
}

class Shapes {
 public:
  Shapes(ThreadPool& pool, const Machine& machine) : pool_(pool), machine_(machine) {}

  void run(int64_t out, int64_t in) {
    Random random(1);
    w_.resize(static_cast<size_t>(out * in));
    for (float& v : w_) v = static_cast<float>(random.normal() * 0.05);
    x_.resize(static_cast<size_t>(kMostRows * in));
    for (float& v : x_) v = static_cast<float>(random.normal());
    y_.resize(static_cast<size_t>(kMostRows * out));
    const auto w8 = [&](int64_t row, std::span<int8_t> values, std::span<float> scales) {
      for (size_t k = 0; k < values.size(); ++k)
        values[k] = static_cast<int8_t>(level(row, in, k, 600.0f, 127));
      std::fill(scales.begin(), scales.end(), 0x1p-9f);
    };
    const auto w4 = [&](int64_t row, std::span<uint8_t> values, std::span<float> scales,
                        std::span<float> offsets) {
      for (size_t k = 0; k < values.size(); ++k)
        values[k] = static_cast<uint8_t>(level(row, in, k, 40.0f, 7) + 8);
      std::fill(scales.begin(), scales.end(), 0x1p-5f);
      std::fill(offsets.begin(), offsets.end(), -0x1p-2f);
    };
    quantised("W8", out, in, [&] { return QuantMatrix::w8(pool_, out, in, ScaleType::f16, w8); });
    quantised("W4", out, in, [&] { return QuantMatrix::w4(pool_, out, in, ScaleType::f16, true, w4); });
    quantised("W4+m", out, in, [&] { return QuantMatrix::w4(pool_, out, in, ScaleType::f16, false, w4); });
    floats("f32", out, in, w_);
    std::vector<uint16_t> bits;
    for (const float v : w_) bits.push_back(static_cast<uint16_t>(std::bit_cast<uint32_t>(v) >> 16));
    floats("bf16", out, in, bits);
  }

 private:
  // As many copies as are larger than the caches.
  template <class M>
  static std::vector<M> copies(int64_t bytes, const std::function<M()>& make) {
    std::vector<M> all;
    for (int64_t i = 0; i < std::max<int64_t>(1, (kWeightBytes + bytes - 1) / bytes); ++i)
      all.push_back(make());
    return all;
  }

  int level(int64_t row, int64_t in, size_t k, float scale, int most) const {
    return std::clamp(static_cast<int>(w_[static_cast<size_t>(row * in) + k] * scale), -most, most);
  }

  void quantised(const char* kind, int64_t out, int64_t in, const std::function<QuantMatrix()>& make) {
    const int64_t bytes = make().bytes();
    const auto all = copies<QuantMatrix>(bytes, make);
    QuantActivations x;
    report(kind, out, in, machine_,
           {static_cast<int64_t>(all.size()), bytes,
            [&](int64_t i, int64_t rows) {
              if (x.rows() != rows || rows < 16)  // a layer's input is rounded once for two matrices or three
                x.assign(pool_, ConstMatrix(x_.data(), rows, in));
              matmul(pool_, x, all[static_cast<size_t>(i)], {}, Matrix(y_.data(), rows, out));
            },
            true});
  }

  template <class E>
  void floats(const char* kind, int64_t out, int64_t in, const std::vector<E>& w) {
    const int64_t bytes = static_cast<int64_t>(sizeof(E)) * out * in;
    const auto all = copies<PackedMatrix>(bytes, [&] { return PackedMatrix(pool_, w, out, in); });
    report(kind, out, in, machine_, {static_cast<int64_t>(all.size()), bytes, [&](int64_t i, int64_t rows) {
                                       matmul(pool_, ConstMatrix(x_.data(), rows, in),
                                              all[static_cast<size_t>(i)].view(), {},
                                              Matrix(y_.data(), rows, out));
                                     }});
  }

  ThreadPool& pool_;
  const Machine& machine_;
  std::vector<float> w_, x_, y_;
};

int run(int threads) {
  std::printf("instruction set %s\n", std::string(name_of(active_isa())).c_str());
  ThreadPool one(1), pool(threads);
  if (pool.num_threads() > 1) measure_machine(one);
  const Machine machine = measure_machine(pool);
  Shapes shapes(pool, machine);
  shapes.run(576, 576);
  shapes.run(1536, 576);
  shapes.run(576, 1536);
  shapes.run(640, 2048);
  shapes.run(49152, 576);
  return 0;
}

}  // namespace
}  // namespace melete

int main(int argc, char** argv) {
  if (argc > 2) melete::seconds_a_number = std::atof(argv[2]);
  return melete::run(argc > 1 ? std::atoi(argv[1]) : 0);
}
