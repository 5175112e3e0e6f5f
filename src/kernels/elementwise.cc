#include "kernels/elementwise.h"

#include <algorithm>

#include "kernels/kernel_table.h"

namespace melete {
namespace {

// What one task takes at least, so that it is worth waking a thread: of sums, and of functions that cost
// several times as much an element.
constexpr int64_t kTaskElements = 1 << 13, kCostlyElements = 1 << 11;

void check_same(ConstMatrix a, ConstMatrix b) {
  MELETE_CHECK(a.rows == b.rows && a.cols == b.cols, a.rows, " x ", a.cols, " and ", b.rows, " x ", b.cols);
}

// Ranges begin at multiples of 16, but nothing depends on that: lanes don't mix.
template <class Body>
void for_elements(ThreadPool& pool, int64_t size, int64_t grain, Body body) {
  pool.for_ranges((size + 15) / 16, grain / 16, [&](int64_t begin, int64_t end) {
    body(16 * begin, std::min(16 * end, size) - 16 * begin);
  });
}

template <class Body>
void for_rows(ThreadPool& pool, ConstMatrix x, Body body) {
  if (x.cols > 0) pool.for_ranges(x.rows, kTaskElements / x.cols + 1, body);
}

}  // namespace

void add(ThreadPool& pool, ConstMatrix a, ConstMatrix b, Matrix y) {
  check_same(a, b);
  check_same(a, y);
  const KernelTable& table = kernel_table();
  for_elements(pool, y.size(), kTaskElements,
               [&](int64_t at, int64_t n) { table.add(a.data + at, b.data + at, y.data + at, n); });
}

void gelu(ThreadPool& pool, ConstMatrix x, Matrix y) {
  check_same(x, y);
  const KernelTable& table = kernel_table();
  for_elements(pool, y.size(), kCostlyElements,
               [&](int64_t at, int64_t n) { table.gelu(x.data + at, y.data + at, n); });
}

void swiglu(ThreadPool& pool, ConstMatrix gate, ConstMatrix up, Matrix y) {
  check_same(gate, up);
  check_same(gate, y);
  const KernelTable& table = kernel_table();
  for_elements(pool, y.size(), kCostlyElements,
               [&](int64_t at, int64_t n) { table.swiglu(gate.data + at, up.data + at, y.data + at, n); });
}

void geglu_tanh(ThreadPool& pool, ConstMatrix gate, ConstMatrix up, Matrix y) {
  check_same(gate, up);
  check_same(gate, y);
  const KernelTable& table = kernel_table();
  for_elements(pool, y.size(), kCostlyElements, [&](int64_t at, int64_t n) {
    table.geglu_tanh(gate.data + at, up.data + at, y.data + at, n);
  });
}

void sigmoid_gate(ThreadPool& pool, ConstMatrix x, ConstMatrix gate, Matrix y) {
  check_same(x, gate);
  check_same(x, y);
  const KernelTable& table = kernel_table();
  for_elements(pool, y.size(), kCostlyElements, [&](int64_t at, int64_t n) {
    table.sigmoid_gate(x.data + at, gate.data + at, y.data + at, n);
  });
}

void scale_sigmoid(ThreadPool& pool, ConstMatrix x, float scale, Matrix y) {
  check_same(x, y);
  const KernelTable& table = kernel_table();
  for_elements(pool, y.size(), kCostlyElements,
               [&](int64_t at, int64_t n) { table.scale_sigmoid(x.data + at, scale, y.data + at, n); });
}

void softcap(ThreadPool& pool, ConstMatrix x, float scale, float cap, Matrix y) {
  check_same(x, y);
  const KernelTable& table = kernel_table();
  for_elements(pool, y.size(), kCostlyElements,
               [&](int64_t at, int64_t n) { table.softcap(x.data + at, scale, cap, y.data + at, n); });
}

void residual_gate(ThreadPool& pool, ConstMatrix x, ConstMatrix y, std::span<const float> gate,
                   float temperature, Matrix out) {
  check_same(x, y);
  check_same(x, out);
  MELETE_CHECK(static_cast<int64_t>(gate.size()) == x.cols, gate.size(), " for ", x.cols);
  const KernelTable& table = kernel_table();
  for_rows(pool, x, [&](int64_t begin, int64_t end) {
    table.residual_gate(x.data, y.data, gate.data(), temperature, out.data, x.cols, begin, end);
  });
}

void rotate(ThreadPool& pool, ConstMatrix x, std::span<const float> cos, std::span<const float> sin,
            int64_t heads, Matrix y) {
  check_same(x, y);
  MELETE_CHECK(heads > 0 && x.cols % (2 * heads) == 0, x.cols, " by ", heads, " heads");
  const int64_t head_dim = x.cols / heads;
  MELETE_CHECK(static_cast<int64_t>(cos.size()) == x.rows * head_dim / 2 && sin.size() == cos.size(),
               cos.size());
  const KernelTable& table = kernel_table();
  for_rows(pool, x, [&](int64_t begin, int64_t end) {
    table.rotate(x.data, cos.data(), sin.data(), y.data, heads, head_dim, begin, end);
  });
}

void causal_conv(ThreadPool& pool, ConstMatrix x, std::span<const float> history, std::span<const float> w,
                 std::span<const float> bias, Matrix y) {
  check_same(x, y);
  const int64_t channels = x.cols, taps = static_cast<int64_t>(w.size()) / channels;
  MELETE_CHECK(taps > 0 && static_cast<int64_t>(w.size()) == taps * channels &&
                   static_cast<int64_t>(bias.size()) == channels &&
                   static_cast<int64_t>(history.size()) == (taps - 1) * channels,
               channels, " channels, weight ", w.size(), ", bias ", bias.size(), ", history ",
               history.size());
  const KernelTable& table = kernel_table();
  for_rows(pool, x, [&](int64_t begin, int64_t end) {
    table.conv(x.data, history.data(), w.data(), bias.data(), y.data, channels, taps, begin, end);
  });
}

void weighted_rows(ThreadPool& pool, ConstMatrix source, std::span<const int64_t> index,
                   std::span<const float> weight, Matrix y) {
  if (y.rows == 0) return;
  const int64_t taps = static_cast<int64_t>(index.size()) / y.rows;
  MELETE_CHECK(static_cast<int64_t>(index.size()) == taps * y.rows && weight.size() == index.size() &&
                   y.cols == source.cols,
               index.size(), " taps for ", y.rows, " rows");
  const KernelTable& table = kernel_table();
  for_rows(pool, y, [&](int64_t begin, int64_t end) {
    table.weighted_rows(source.data, source.cols, index.data(), weight.data(), taps, y.data, begin, end);
  });
}

bool all_finite(std::span<const float> x) {
  return kernel_table().all_finite(x.data(), static_cast<int64_t>(x.size()));
}

void exp(std::span<const float> x, std::span<float> y) {
  MELETE_CHECK(x.size() == y.size());
  kernel_table().exp(x.data(), y.data(), static_cast<int64_t>(x.size()));
}

void erf(std::span<const float> x, std::span<float> y) {
  MELETE_CHECK(x.size() == y.size());
  kernel_table().erf(x.data(), y.data(), static_cast<int64_t>(x.size()));
}

}  // namespace melete
