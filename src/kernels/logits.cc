#include "kernels/logits.h"

#include <algorithm>
#include <cmath>

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

void top_k(std::span<const float> x, std::span<RankedLogit> out) {
  MELETE_CHECK(out.size() <= x.size(), out.size(), " of ", x.size());
  if (out.empty()) return;
  const KernelTable& table = kernel_table();
  const auto size = static_cast<int64_t>(x.size()), k = static_cast<int64_t>(out.size());
  for (int64_t i = 0; i < k; ++i)
    out[static_cast<size_t>(i)] = {static_cast<int32_t>(i), x[static_cast<size_t>(i)]};
  // A heap with the least on top; among equals the later id is the lesser, so only a greater value replaces
  // it.
  std::make_heap(out.begin(), out.end(), ranks_before);
  for (int64_t i = table.next_above(x.data(), out[0].value, k, size); i < size;
       i = table.next_above(x.data(), out[0].value, i + 1, size)) {
    std::pop_heap(out.begin(), out.end(), ranks_before);
    out.back() = {static_cast<int32_t>(i), x[static_cast<size_t>(i)]};
    std::push_heap(out.begin(), out.end(), ranks_before);
  }
  std::sort_heap(out.begin(), out.end(), ranks_before);
}

}  // namespace melete
