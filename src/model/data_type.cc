#include "model/data_type.h"

#include <algorithm>

#include "base/check.h"

namespace melete {
namespace {

struct TypeRow {
  DataType type;
  const char* name;
  int64_t elements, bytes;
};
constexpr TypeRow kTypes[] = {
    {DataType::f64, "F64", 1, 8},         {DataType::f32, "F32", 1, 4},
    {DataType::f16, "F16", 1, 2},         {DataType::bf16, "BF16", 1, 2},
    {DataType::i64, "I64", 1, 8},         {DataType::u64, "U64", 1, 8},
    {DataType::i32, "I32", 1, 4},         {DataType::u32, "U32", 1, 4},
    {DataType::i16, "I16", 1, 2},         {DataType::u16, "U16", 1, 2},
    {DataType::i8, "I8", 1, 1},           {DataType::u8, "U8", 1, 1},
    {DataType::boolean, "BOOL", 1, 1},    {DataType::f8_e4m3, "F8_E4M3", 1, 1},
    {DataType::f8_e5m2, "F8_E5M2", 1, 1}, {DataType::q4_0, "Q4_0", 32, 18},
    {DataType::q4_1, "Q4_1", 32, 20},     {DataType::q5_0, "Q5_0", 32, 22},
    {DataType::q5_1, "Q5_1", 32, 24},     {DataType::q8_0, "Q8_0", 32, 34},
    {DataType::q4_k, "Q4_K", 256, 144},   {DataType::q5_k, "Q5_K", 256, 176},
    {DataType::q6_k, "Q6_K", 256, 210},
};

const TypeRow& row_of(DataType type) {
  for (const TypeRow& row : kTypes)
    if (row.type == type) return row;
  MELETE_CHECK(false, static_cast<int>(type));
}

}  // namespace

const char* name_of(DataType type) { return row_of(type).name; }
int64_t block_elements(DataType type) { return row_of(type).elements; }
int64_t block_bytes(DataType type) { return row_of(type).bytes; }

std::string to_string(const TensorShape& shape) {
  std::string text = "[";
  for (const int64_t side : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(side);
  return text + "]";
}

std::string quoted_name(std::string_view name) {
  size_t shown = std::min<size_t>(name.size(), 200);
  while (shown > 0 && shown < name.size() && (static_cast<unsigned char>(name[shown]) & 0xc0) == 0x80)
    --shown;
  std::string text = "'";
  for (const char c : name.substr(0, shown))
    text += (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) ? '?' : c;
  return text + (shown < name.size() ? "...'" : "'");
}

}  // namespace melete
