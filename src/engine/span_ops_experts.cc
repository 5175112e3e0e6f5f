// SpanOps::experts: each expert runs once over all rows that chose it; each row adds its experts in ascending
// order, so its sum doesn't depend on the batch.
#include <algorithm>
#include <numeric>

#include "engine/span_ops.h"
#include "kernels/elementwise.h"
#include "kernels/norm.h"

namespace melete {
namespace {

struct Routing {
  std::vector<std::vector<int64_t>> slots_of_expert;  // slot = row * experts_per_token + place
  std::vector<float> weight;                          // of each slot
};

Routing route(const Tensor& score_NE, std::span<const float> selection_bias, const MoeKind& kind) {
  const int64_t num_experts = score_NE.width(), chosen = kind.experts_per_token;
  Routing routing;
  routing.slots_of_expert.resize(static_cast<size_t>(num_experts));
  routing.weight.resize(static_cast<size_t>(score_NE.rows() * chosen));
  std::vector<int64_t> order(static_cast<size_t>(num_experts));
  for (int64_t row = 0; row < score_NE.rows(); ++row) {
    const float* score = score_NE.row(row);
    const auto biased = [&](int64_t e) { return score[e] + selection_bias[static_cast<size_t>(e)]; };
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + chosen, order.end(), [&](int64_t a, int64_t b) {
      return biased(a) != biased(b) ? biased(a) > biased(b) : a < b;
    });
    std::sort(order.begin(), order.begin() + chosen);
    float sum = 1e-15f;
    for (int64_t j = 0; j < chosen; ++j) sum += score[order[static_cast<size_t>(j)]];
    for (int64_t j = 0; j < chosen; ++j) {
      const int64_t expert = order[static_cast<size_t>(j)], slot = row * chosen + j;
      routing.slots_of_expert[static_cast<size_t>(expert)].push_back(slot);
      routing.weight[static_cast<size_t>(slot)] =
          score[expert] / sum * static_cast<float>(kind.routed_scaling_factor);
    }
  }
  return routing;
}

}  // namespace

Tensor SpanOps::experts(const Tensor& z, const Tensor& score, const Vector& selection_bias,
                        const Experts& experts, const MoeKind& kind) {
  const Routing routing = route(score, selection_bias, kind);
  const int64_t chosen = kind.experts_per_token, latent = z.width();
  Tensor slots = arena_.make(z.rows() * chosen, latent);
  std::vector<int64_t> index;
  for (size_t e = 0; e < routing.slots_of_expert.size(); ++e) {
    const auto& mine = routing.slots_of_expert[e];
    if (mine.empty()) continue;
    index.clear();
    for (const int64_t slot : mine) index.push_back(slot / chosen);
    const Tensor both = linear(gather_rows(z, index), experts.gate_up[e]);
    const int64_t inner = both.width() / 2;
    Tensor gate = arena_.make(both.rows(), inner), up = arena_.make(both.rows(), inner);
    for (int64_t row = 0; row < both.rows(); ++row) {
      std::copy_n(both.row(row), inner, gate.row(row));
      std::copy_n(both.row(row) + inner, inner, up.row(row));
    }
    const Tensor y =
        input_scaled_rms(linear(swiglu(gate, up), experts.down[e]), experts.norm, kind.post_norm_eps);
    for (size_t i = 0; i < mine.size(); ++i)
      std::copy_n(y.row(static_cast<int64_t>(i)), latent, slots.row(mine[i]));
  }
  index.resize(static_cast<size_t>(z.rows() * chosen));
  std::iota(index.begin(), index.end(), 0);
  Tensor sum = arena_.make(z.rows(), latent);
  melete::weighted_rows(pool_, slots.in(), index, routing.weight, sum.out());
  return sum;
}

}  // namespace melete
