// GGUF's numbers of tensor types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/data_type.h"

namespace melete {

std::optional<DataType> gguf_type(uint32_t number);       // nothing: not supported
std::optional<uint32_t> gguf_type_number(DataType type);  // nothing: GGUF has no such type
std::string gguf_type_name(uint32_t number);              // also of types that aren't supported: "IQ4_XS"
std::string supported_gguf_types();                       // "F32, F16, ..."

}  // namespace melete
