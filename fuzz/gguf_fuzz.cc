// Any bytes as a GGUF file: an error, or metadata and tensors that can all be read.
#include "model/gguf.h"

#include "model/block_formats.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = melete::GgufFile::parse({reinterpret_cast<const char*>(data), size}, "input");
  if (!file.ok()) {
    MELETE_CHECK(!file.error().message.empty());
    return 0;
  }
  for (const auto& [key, value] : file->metadata()) {
    MELETE_CHECK(!melete::to_string(value).empty());
    (void)file->integers(key);
    (void)file->numbers(key);
    (void)file->texts(key);
    (void)file->boolean(key);
  }
  for (const auto& [name, view] : file->tensors().tensors()) {
    const auto floats = file->tensors().floats(name);
    const auto integers = file->tensors().integers(name);
    MELETE_CHECK(floats.ok() || !melete::is_float_type(view.type));
    if (floats.ok()) MELETE_CHECK(static_cast<int64_t>(floats->size()) == view.num_elements());
    if (integers.ok()) MELETE_CHECK(static_cast<int64_t>(integers->size()) == view.num_elements());
  }
  return 0;
}
