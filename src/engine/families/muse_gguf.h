// muse-spark and muse-glimmer GGUF files with their mmproj file, as model/gguf_export.h writes them.
#pragma once

#include <filesystem>
#include <optional>

#include "engine/span_weights.h"
#include "model/gguf.h"

namespace melete {

struct MuseGguf {
  ModelConfig config;
  TensorFile tensors;              // of both files
  std::optional<GgufFile> towers;  // the mmproj file, if there is one
};

// `model` is an open GGUF of a Muse architecture at `path`; its towers are those of the mmproj file beside
// it: mmproj-NAME, or the only file there whose name begins with "mmproj". Without one the model takes text
// only. Errors: those of GgufFile; invalid_argument, naming file and key.
Result<MuseGguf> open_muse_gguf(const GgufFile& model, const std::filesystem::path& path);

// Every weight of the model by GGUF's names.
void load_muse_gguf(const MuseGguf& files, WeightLoader& loader, ModelWeights<SpanOps>& weights);

}  // namespace melete
