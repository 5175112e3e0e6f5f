// The whole forward: tokens and media -> hidden rows ready for head_logits().
#pragma once

#include "model/audio.h"
#include "model/decoder.h"
#include "model/input.h"
#include "model/vision.h"

namespace melete {

// Embedded rows x_ND with every medium's rows in their places.
template <class Ops>
typename Ops::Tensor embed_stream(Ops& ops, const ModelWeights<Ops>& w, const ModelConfig& config,
                                  const ModelInput& input) {
  auto x = embed_rows(ops, w, config, input.tokens);
  if (!input.grids.empty()) {
    const VisionPlan plan = plan_vision(config, input.grids);
    x = ops.place_rows(x, vision_tower(ops, w.vision, config, plan, input.patches), input.vision_rows);
  }
  if (!input.clip_samples.empty())
    x = ops.place_rows(x, audio_tower(ops, w.audio, config, input.samples, input.clip_samples),
                       input.audio_rows);
  return x;
}

template <class Ops>
typename Ops::Tensor hidden_rows(Ops& ops, const ModelWeights<Ops>& w, const ModelConfig& config,
                                 const ModelInput& input) {
  return decode_rows(ops, w, config, embed_stream(ops, w, config, input));
}

}  // namespace melete
