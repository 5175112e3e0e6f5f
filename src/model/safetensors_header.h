// The JSON header of a safetensors file, checked against the size of the data that follows it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/safetensors.h"

namespace melete {

struct TensorEntry {
  DataType type = DataType::f32;
  TensorShape shape;
  uint64_t begin = 0, end = 0;  // bytes from the start of the data
};

struct SafetensorsHeader {
  std::map<std::string, TensorEntry, std::less<>> entries;
  std::map<std::string, std::string> metadata;
};

// Every entry is unique, has the bytes that its type and shape need, and all together cover [0, data_bytes)
// exactly. Errors: corrupt, naming `where` and the tensor.
Result<SafetensorsHeader> parse_safetensors_header(std::string_view json, uint64_t data_bytes,
                                                   std::string_view where);

}  // namespace melete
