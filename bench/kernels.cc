// share of the machine's read bandwidth and arithmetic peaks that the matrix products reach
//
// usage: bench_kernels [THREADS] [SECONDS_A_NUMBER]. First the machine: read bandwidth from memory, peaks of
// float32, bfloat16 and byte dot products, cost of one run of the thread pool. Then each kind of weight on
// the shapes of real models, from matrices that together are larger than the last cache: one row and eight
// rows (GB/s of packed weights, share of the bandwidth), 512 rows (multiply-adds, share of the peak).
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/thread_pool.h"
#include "kernels/gemm.h"
#include "kernels/quant.h"
#include "machine.h"

namespace melete {
namespace {

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
  if (pool.num_threads() > 1) print(measure_machine(one), 1);
  const Machine machine = measure_machine(pool);
  print(machine, pool.num_threads());
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
