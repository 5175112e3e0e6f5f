#include "model/gguf_types.h"

#include "base/check.h"

namespace melete {
namespace {

struct SupportedRow {
  uint32_t number;
  DataType type;
};
constexpr SupportedRow kSupported[] = {
    {0, DataType::f32},   {1, DataType::f16},   {30, DataType::bf16}, {8, DataType::q8_0},
    {2, DataType::q4_0},  {3, DataType::q4_1},  {6, DataType::q5_0},  {7, DataType::q5_1},
    {12, DataType::q4_k}, {13, DataType::q5_k}, {14, DataType::q6_k}, {28, DataType::f64},
    {24, DataType::i8},   {25, DataType::i16},  {26, DataType::i32},  {27, DataType::i64},
};

struct NamedRow {
  uint32_t number;
  const char* name;
};
constexpr NamedRow kOthers[] = {
    {9, "Q8_1"},     {10, "Q2_K"},  {11, "Q3_K"},   {15, "Q8_K"},  {16, "IQ2_XXS"}, {17, "IQ2_XS"},
    {18, "IQ3_XXS"}, {19, "IQ1_S"}, {20, "IQ4_NL"}, {21, "IQ3_S"}, {22, "IQ2_S"},   {23, "IQ4_XS"},
    {29, "IQ1_M"},   {34, "TQ1_0"}, {35, "TQ2_0"},  {39, "MXFP4"}, {40, "NVFP4"},
};

}  // namespace

std::optional<DataType> gguf_type(uint32_t number) {
  for (const SupportedRow& row : kSupported)
    if (row.number == number) return row.type;
  return std::nullopt;
}

std::optional<uint32_t> gguf_type_number(DataType type) {
  for (const SupportedRow& row : kSupported)
    if (row.type == type) return row.number;
  return std::nullopt;
}

std::string gguf_type_name(uint32_t number) {
  if (const auto type = gguf_type(number)) return name_of(*type);
  for (const NamedRow& row : kOthers)
    if (row.number == number) return row.name;
  return cat("type ", number);
}

std::string supported_gguf_types() {
  std::string names;
  for (const SupportedRow& row : kSupported)
    names += (names.empty() ? "" : ", ") + std::string(name_of(row.type));
  return names;
}

}  // namespace melete
