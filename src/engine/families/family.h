// The kinds of model that the engine runs: one file each in this folder, one row each in family.cc.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/decoder.h"
#include "engine/packed_cache.h"
#include "engine/weight_loader.h"
#include "model/gguf.h"

namespace melete {

struct LoadOptions {
  WeightType weights = WeightType::automatic;
  int64_t available_bytes = -1;   // memory that weights may take; -1: what the system has
  PackedCache* packed = nullptr;  // where packed weights are kept; null: nowhere
};

// An opened model: a Hugging Face folder or a GGUF file.
struct ModelFiles {
  std::filesystem::path path;
  std::string architecture;      // config.json's model_type, or general.architecture
  std::optional<GgufFile> gguf;  // one of these two
  nlohmann::json config;         // config.json, an object
  TensorFile tensors;

  bool is_gguf() const { return gguf.has_value(); }
  // Where the config stands, for messages.
  std::string config_name() const { return is_gguf() ? path.string() : (path / "config.json").string(); }
};

using FamilyLoader = Result<std::unique_ptr<Decoder>> (*)(ModelFiles files, const LoadOptions& options,
                                                          ThreadPool& pool);

struct Family {
  const char* name;
  std::vector<std::string> architectures;  // of both kinds of file
  FamilyLoader load;
};

// All families, by name.
const std::vector<Family>& families();

// `path`: a folder with config.json and safetensors files, or a .gguf file. Errors: those of TensorFile,
// GgufFile and the family; invalid_argument (an architecture that no family has, naming those there are),
// exhausted (weights larger than the memory that is free).
Result<std::unique_ptr<Decoder>> load_decoder(const std::filesystem::path& path, const LoadOptions& options,
                                              ThreadPool& pool);

// For the families: walks `load(WeightLoader&)` twice, to check and to pack, with the memory checked between.
// `ignored` says which tensors of the file may stay unused. Errors: those of WeightLoader; exhausted.
Status load_in_two_steps(const TensorFile& tensors, const LoadOptions& options, ThreadPool& pool,
                         const std::function<void(WeightLoader&)>& load,
                         const std::function<bool(std::string_view)>& ignored);

Result<std::unique_ptr<Decoder>> load_gemma3(ModelFiles files, const LoadOptions& options, ThreadPool& pool);
Result<std::unique_ptr<Decoder>> load_llama(ModelFiles files, const LoadOptions& options, ThreadPool& pool);
Result<std::unique_ptr<Decoder>> load_muse(ModelFiles files, const LoadOptions& options, ThreadPool& pool);
Result<std::unique_ptr<Decoder>> load_qwen2(ModelFiles files, const LoadOptions& options, ThreadPool& pool);
Result<std::unique_ptr<Decoder>> load_qwen3(ModelFiles files, const LoadOptions& options, ThreadPool& pool);

}  // namespace melete
