// What a model's files say about it, without loading it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace melete {

struct TypeShare {
  int64_t tensors = 0, elements = 0, bytes = 0;
};

struct ModelInfo {
  std::string architecture;   // general.architecture, or config.json's model_type; empty if neither is there
  std::string name, licence;  // empty if the files don't say
  int64_t context_length = 0, layers = 0, width = 0, vocab_size = 0;  // 0: not said
  int64_t parameters = 0, bytes = 0;
  std::map<std::string, TypeShare> types;  // "Q4_1" -> its share
  std::vector<std::pair<std::string, std::string>>
      metadata;                      // in the files' order or by key; long values cut
  std::string largest_type() const;  // by bytes
};

// `path`: a .gguf file or a folder in Hugging Face layout. Errors: those of GgufFile and TensorFile; corrupt.
Result<ModelInfo> inspect_model(const std::filesystem::path& path);

Json to_json(const ModelInfo& info);

// "135.2 M", "1.3 GB": three digits or so, powers of 1000.
std::string short_count(int64_t count);
std::string short_bytes(int64_t bytes);

}  // namespace melete
