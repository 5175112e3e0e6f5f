#include "kernels/logits.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "kernels/kernel_table.h"

namespace melete {
namespace {

// A lambda, since algorithms inline it but not a function's address.
constexpr auto ranks_before = [](const RankedLogit& a, const RankedLogit& b) {
  return a.value != b.value ? a.value > b.value : a.id < b.id;
};

}  // namespace

int64_t argmax(std::span<const float> x) {
  MELETE_CHECK(!x.empty());
  const float best = kernel_table().max(x.data(), static_cast<int64_t>(x.size()));
  const auto found = std::find(x.begin(), x.end(), best);
  return found == x.end() ? 0 : found - x.begin();
}

float log_sum_exp(std::span<const float> x) {
  MELETE_CHECK(!x.empty());
  const KernelTable& table = kernel_table();
  const auto size = static_cast<int64_t>(x.size());
  const float best = table.max(x.data(), size);
  return best + std::log(table.sum_exp(x.data(), best, size));
}

namespace {

// Keeps the greatest in a heap with the least on top; among equals the later id is the lesser, so only a
// greater value replaces it.
class TopK {
 public:
  TopK(std::span<const float> x, std::span<RankedLogit> out) : x_(x), out_(out) {
    MELETE_CHECK(out.size() <= x.size(), out.size(), " of ", x.size());
    for (size_t i = 0; i < out.size(); ++i) out[i] = {static_cast<int32_t>(i), x[i]};
    std::make_heap(out.begin(), out.end(), ranks_before);
  }

  // Takes x[begin, end) into account; the first out.size() values already are.
  void add(const KernelTable& table, int64_t begin, int64_t end) {
    if (out_.empty()) return;
    begin = std::max(begin, std::ssize(out_));
    for (int64_t i = table.next_above(x_.data(), out_[0].value, begin, end); i < end;
         i = table.next_above(x_.data(), out_[0].value, i + 1, end)) {
      std::pop_heap(out_.begin(), out_.end(), ranks_before);
      out_.back() = {static_cast<int32_t>(i), x_[static_cast<size_t>(i)]};
      std::push_heap(out_.begin(), out_.end(), ranks_before);
    }
  }

  void sort() { std::sort_heap(out_.begin(), out_.end(), ranks_before); }

 private:
  std::span<const float> x_;
  std::span<RankedLogit> out_;
};

}  // namespace

void top_k(std::span<const float> x, std::span<RankedLogit> out) {
  TopK top(x, out);
  top.add(kernel_table(), 0, std::ssize(x));
  top.sort();
}

void tempered_weights(std::span<const float> x, float shift, double temperature, std::span<float> y) {
  MELETE_CHECK(x.size() == y.size());
  const auto inverse = static_cast<float>(1 / temperature);
  for (size_t i = 0; i < x.size(); ++i) y[i] = (x[i] - shift) * inverse;
  kernel_table().exp(y.data(), y.data(), static_cast<int64_t>(y.size()));
}

float scan_logits(std::span<const float> x, double temperature, std::span<LogitsBlock> blocks,
                  std::span<RankedLogit> top) {
  const auto size = std::ssize(x);
  MELETE_CHECK(size > 0 && std::ssize(blocks) == (size + kLogitsBlock - 1) / kLogitsBlock, size);
  const KernelTable& table = kernel_table();
  TopK greatest(x, top);
  float best = -std::numeric_limits<float>::infinity();
  float scaled[kLogitsBlock];
  const auto inverse = temperature > 0 ? static_cast<float>(1 / temperature) : 0.0f;
  for (int64_t begin = 0; begin < size; begin += kLogitsBlock) {
    const int64_t count = std::min(kLogitsBlock, size - begin);
    const float* values = x.data() + begin;
    LogitsBlock& block = blocks[static_cast<size_t>(begin / kLogitsBlock)];
    block = {table.max(values, count), 0, 0};
    if (block.max == -std::numeric_limits<float>::infinity()) continue;
    best = std::max(best, block.max);
    block.sum = block.weight = table.sum_exp(values, block.max, count);
    greatest.add(table, begin, begin + count);
    if (temperature <= 0 || inverse == 1.0f) continue;
    for (int64_t i = 0; i < count; ++i) scaled[i] = (values[i] - block.max) * inverse;
    block.weight = table.sum_exp(scaled, 0, count);
  }
  greatest.sort();
  double total = 0;
  for (const LogitsBlock& block : blocks) {
    float scale = block.max - best;
    table.exp(&scale, &scale, 1);
    if (block.sum > 0) total += static_cast<double>(block.sum) * static_cast<double>(scale);
  }
  return best + static_cast<float>(std::log(total));
}

}  // namespace melete
