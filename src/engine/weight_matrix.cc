#include "engine/weight_matrix.h"

#include "model/block_formats.h"

namespace melete {
namespace {

struct Entry {
  const char* name;
  WeightType type;
};
constexpr Entry kWeightTypes[] = {{"auto", WeightType::automatic}, {"f32", WeightType::f32},
                                  {"bf16", WeightType::bf16},      {"w8", WeightType::w8},
                                  {"w8a8", WeightType::w8a8},      {"w4", WeightType::w4}};

}  // namespace

const char* name_of(WeightType type) {
  for (const Entry& entry : kWeightTypes)
    if (entry.type == type) return entry.name;
  return "unknown";
}

Result<WeightType> parse_weight_type(std::string_view name) {
  for (const Entry& entry : kWeightTypes)
    if (entry.name == name) return entry.type;
  return invalid_argument("[engine] the type of weights must be auto, f32, bf16, w8, w8a8 or w4, got ",
                          quoted_name(name), "; choose one");
}

WeightType packed_type(DataType stored, WeightType wanted) {
  const bool wants_w8 = wanted == WeightType::w8 || wanted == WeightType::w8a8;
  if (wants_w8 && (stored == DataType::q4_k || has_w4(stored))) return WeightType::w4;
  if (wanted != WeightType::automatic) return wants_w8 ? WeightType::w8 : wanted;
  switch (stored) {
    case DataType::bf16: return WeightType::bf16;
    case DataType::q8_0:
    case DataType::q5_0:
    case DataType::q5_1:
    case DataType::q5_k:
    case DataType::q6_k: return WeightType::w8;
    case DataType::q4_0:
    case DataType::q4_1:
    case DataType::q4_k: return WeightType::w4;
    default: return WeightType::f32;
  }
}

int64_t packed_bytes(WeightType type, int64_t out, int64_t in) {
  if (type == WeightType::f32 || type == WeightType::automatic)
    return packed_size(in, out) * static_cast<int64_t>(sizeof(float));
  if (type == WeightType::bf16) return packed_size(in, out) * static_cast<int64_t>(sizeof(uint16_t));
  // A group of a row: its values, its scale and its offset or sum.
  const int64_t group = type == WeightType::w8 ? kQuantGroup + 8 : kQuantGroup / 2 + 8;
  return (out + 15) / 16 * 16 * quant_groups(in) * group;
}

PackedForm form_of(const WeightMatrix& w) {
  return w.quant() != nullptr ? form_of(*w.quant()) : form_of(*w.panels());
}

WeightMatrix matrix_of(const PackedForm& form, ActivationType activations) {
  if (form.kind == PackedKind::f32 || form.kind == PackedKind::bf16) return panels_of(form);
  return {quant_of(form), activations};
}

bool is_form_of(WeightType type, PackedKind kind) {
  switch (type) {
    case WeightType::f32: return kind == PackedKind::f32;
    case WeightType::bf16: return kind == PackedKind::bf16;
    case WeightType::w8: return kind == PackedKind::w8 || kind == PackedKind::w8_f32;
    default: return kind > PackedKind::w8_f32;
  }
}

KvType kv_type_beside(const WeightMatrix& w) {
  if (w.quant() == nullptr) return KvType::f32;
  return w.activations() == ActivationType::int16 ? KvType::int16 : KvType::int8;
}

}  // namespace melete
