// The small JSON files beside a checkpoint's weights, as stock transformers 5 writes and reads them.
#pragma once

#include "base/json.h"
#include "model/checkpoint.h"

namespace melete {

// generation_config.json: begin and end tokens.
Json generation_config_json(const ModelConfig& config);

// processor_config.json: image and video processor, and for muse_spark the audio feature extractor.
Json processor_config_json(const ModelConfig& config, const ProcessorLimits& limits);

// The processor's parts once more in files of their own (file name, content), which readers older than
// processor_config.json and other engines look for.
std::vector<std::pair<std::string, Json>> preprocessor_files(const ModelConfig& config,
                                                             const ProcessorLimits& limits);

}  // namespace melete
