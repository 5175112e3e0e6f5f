// A weight W [out, in] in one of the packed forms that the kernels multiply with, and the choice among them.
#pragma once

#include <cstdint>
#include <variant>

#include "engine/weight_type.h"
#include "kernels/attention_pages.h"
#include "kernels/gemm.h"
#include "kernels/packed_form.h"
#include "kernels/quant.h"
#include "model/data_type.h"

namespace melete {

// The form that a matrix stored as `stored` takes: f32, bf16, w8 or w4.
WeightType packed_type(DataType stored, WeightType wanted);

// Bytes of the packed form, at least what it takes.
int64_t packed_bytes(WeightType type, int64_t out, int64_t in);

class WeightMatrix {
 public:
  WeightMatrix() = default;
  WeightMatrix(PackedMatrix panels) : form_(std::move(panels)) {}  // NOLINT: implicit on purpose
  WeightMatrix(QuantMatrix quant, ActivationType activations)
      : form_(std::move(quant)), activations_(activations) {}

  int64_t in() const {
    return std::visit([](const auto& m) { return m.in(); }, form_);
  }
  int64_t out() const {
    return std::visit([](const auto& m) { return m.out(); }, form_);
  }

  // Null unless it has this form.
  const PackedMatrix* panels() const { return std::get_if<PackedMatrix>(&form_); }
  const QuantMatrix* quant() const { return std::get_if<QuantMatrix>(&form_); }
  ActivationType activations() const { return activations_; }  // that a quantised form is multiplied with

 private:
  std::variant<PackedMatrix, QuantMatrix> form_;
  ActivationType activations_ = ActivationType::int8;
};

// Of and from the packed form itself; `activations` is what a quantised form is multiplied with.
PackedForm form_of(const WeightMatrix& w);
WeightMatrix matrix_of(const PackedForm& form, ActivationType activations);
// Whether a matrix that packs as `type` may have the form.
bool is_form_of(WeightType type, PackedKind kind);

// What keys and values are kept as in a model whose queries come from w: f32 beside float weights, integers
// of as many bits as the activations have beside quantised ones.
KvType kv_type_beside(const WeightMatrix& w);

}  // namespace melete
