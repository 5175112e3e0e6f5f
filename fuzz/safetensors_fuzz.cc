// Any bytes as a safetensors file: an error, or tensors that can all be read.
#include "model/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = melete::TensorFile::parse({reinterpret_cast<const char*>(data), size}, "input");
  if (!file.ok()) {
    MELETE_CHECK(!file.error().message.empty());
    return 0;
  }
  for (const auto& [name, view] : file->tensors()) {
    const auto floats = file->floats(name);
    const auto integers = file->integers(name);
    if (floats.ok()) MELETE_CHECK(static_cast<int64_t>(floats->size()) == view.num_elements());
    if (integers.ok()) MELETE_CHECK(static_cast<int64_t>(integers->size()) == view.num_elements());
  }
  return 0;
}
