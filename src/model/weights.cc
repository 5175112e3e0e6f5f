#include "model/weights.h"

namespace melete {
namespace {

struct NoWeight {};
struct NoExperts {
  NoWeight gate_up, down, norm;
};
struct NamesOnly {
  using Table = NoWeight;
  using Matrix = NoWeight;
  using Vector = NoWeight;
  using Kernel = NoWeight;
  using Experts = NoExperts;
};

}  // namespace

std::vector<WeightSpec> weight_specs(const ModelConfig& config) {
  std::vector<WeightSpec> specs;
  ModelWeights<NamesOnly> weights;
  visit_weights(weights, config, [&](WeightSpec spec, NoWeight&) { specs.push_back(std::move(spec)); });
  return specs;
}

}  // namespace melete
