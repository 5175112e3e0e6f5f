// A Muse checkpoint's weights in the form the kernels take.
#pragma once

#include "base/result.h"
#include "base/thread_pool.h"
#include "engine/weight_loader.h"
#include "model/weights.h"

namespace melete {

// Every weight of the model through the loader, with Hugging Face's names. Routers stay f32.
void load_weights(const ModelConfig& config, WeightLoader& loader, ModelWeights<SpanOps>& weights);

}  // namespace melete
