// The audio tower: raw 24 kHz samples -> rows of the decoder's stream, 12.5 a second; causal convolutions, no
// spectrogram.
//
// Source: muse_spark, "Audio tower". Shapes: N steps of all clips at the current stage, C the stage's width.
#pragma once

#include <vector>

#include "model/ops.h"
#include "model/weights.h"

namespace melete {

// samples: the clips one after another, each of clip_samples[i] (a multiple of 1920) -> [sum / 1920, D].
template <class Ops>
typename Ops::Tensor audio_tower(Ops& ops, const AudioWeights<Ops>& w, const ModelConfig& config,
                                 std::span<const float> samples, std::span<const int64_t> clip_samples) {
  const AudioConfig& c = config.audio;
  std::vector<int64_t> lengths(clip_samples.begin(), clip_samples.end());
  auto x = ops.constant(samples, static_cast<int64_t>(samples.size()), 1);
  for (size_t s = 0; s < w.stages.size(); ++s) {
    const auto& stage = w.stages[s];
    for (int64_t& length : lengths) length /= c.patch_sizes[s];
    x = ops.scaled_rms(ops.linear(ops.fold(x, c.patch_sizes[s]), stage.patch, stage.patch_b),
                       stage.patch_norm, c.rms_eps);
    for (const auto& block : stage.blocks) {
      auto y = ops.scaled_rms(ops.causal_conv(x, block.conv, block.conv_b, lengths), block.norm, c.rms_eps);
      x = ops.add(x, ops.linear(ops.gelu(ops.linear(y, block.fc1, block.fc1_b)), block.fc2, block.fc2_b));
    }
  }
  x = ops.linear(ops.scaled_rms(x, w.norm, c.rms_eps), w.projection, w.projection_b);
  return ops.rms(ops.scaled_rms(x, w.post_norm, c.rms_eps), config.text.rms_eps);
}

}  // namespace melete
