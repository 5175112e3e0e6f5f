#include "engine/span_weights.h"

namespace melete {
namespace {

WeightLoader::Precision precision_of(WeightRole role) {
  if (role == WeightRole::router) return WeightLoader::Precision::exact;
  return role == WeightRole::head ? WeightLoader::Precision::head : WeightLoader::Precision::wanted;
}

// Gives each kind of weight to the loader's function for it.
struct LoadVisitor {
  WeightLoader& loader;

  void operator()(const WeightSpec& spec, RowTable& table) const {
    if (spec.role == WeightRole::embedding)
      loader.stored_rows(spec.name, spec.shape[0], spec.shape[1], table);
    else
      loader.table(spec.name, spec.shape[0], spec.shape[1], table);
  }
  void operator()(const WeightSpec& spec, WeightMatrix& matrix) const {
    loader.matrix(spec.name, spec.shape[0], spec.shape[1], matrix, precision_of(spec.role));
  }
  void operator()(const WeightSpec& spec, std::vector<float>& vector) const {
    loader.vector(spec.name, spec.shape[0], vector);
  }
  void operator()(const WeightSpec& spec, ConvKernel& kernel) const {
    loader.kernel(spec.name, spec.shape[0], spec.shape[2], kernel);
  }
  void operator()(const WeightSpec& spec, std::vector<WeightMatrix>& stack) const {
    loader.stack(spec.name, spec.shape[0], spec.shape[1], spec.shape[2], stack);
  }
};

}  // namespace

void load_weights(const ModelConfig& config, WeightLoader& loader, ModelWeights<SpanOps>& weights) {
  visit_weights(weights, config, LoadVisitor{loader});
}

}  // namespace melete
