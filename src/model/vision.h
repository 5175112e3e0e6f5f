// The vision tower: patch rows of images and videos -> rows of the decoder's stream, one a 28 x 28 cell.
//
// Source: muse_spark, "Vision tower"; windows of P x P patches, and every fourth layer within one temporal
// group. Shapes: N patches of all media, C width, A projector width, D the decoder's width.
#pragma once

#include "model/ops.h"
#include "model/plan.h"
#include "model/weights.h"

namespace melete {

template <class Ops>
typename Ops::Tensor vision_layer(Ops& ops, const VisionLayerWeights<Ops>& w, const VisionConfig& c,
                                  const VisionPlan& plan, bool windowed, typename Ops::Tensor x_NC) {
  auto a = ops.layer_norm(x_NC, w.norm1_w, w.norm1_b, c.layer_norm_eps);
  auto q = ops.rotate(ops.linear(a, w.q, w.q_b), c.num_heads, plan.angles);
  auto k = ops.rotate(ops.linear(a, w.k, w.k_b), c.num_heads, plan.angles);
  auto v = ops.linear(a, w.v, w.v_b);
  auto o = ops.segment_attention(q, k, v, c.num_heads, windowed ? plan.window_lengths : plan.group_lengths);
  x_NC = ops.add(x_NC, ops.linear(o, w.out, w.out_b));
  auto m = ops.layer_norm(x_NC, w.norm2_w, w.norm2_b, c.layer_norm_eps);
  return ops.add(x_NC, ops.linear(ops.gelu(ops.linear(m, w.fc1, w.fc1_b)), w.fc2, w.fc2_b));
}

// patches: [N, 1176] in grid order -> [N / 4, D], rms-normalised like token embeddings.
template <class Ops>
typename Ops::Tensor vision_tower(Ops& ops, const VisionWeights<Ops>& w, const ModelConfig& config,
                                  const VisionPlan& plan, std::span<const float> patches) {
  const VisionConfig& c = config.vision;
  auto x = ops.linear(ops.constant(patches, plan.num_patches, c.patch_width()), w.patch);
  x = ops.add(x, ops.weighted_rows(w.positions, plan.tap_index, plan.tap_weight, 4));
  x = ops.layer_norm(x, w.pre_w, w.pre_b, c.layer_norm_eps);
  x = ops.gather_rows(x, plan.to_windows);
  for (size_t i = 0; i < w.layers.size(); ++i)
    x = vision_layer(ops, w.layers[i], c, plan, c.is_windowed[i] != 0, x);
  x = ops.layer_norm(ops.gather_rows(x, plan.to_cells), w.post_w, w.post_b, c.layer_norm_eps);
  const int64_t cell = c.merge_size * c.merge_size;
  x = ops.channel_major(ops.fold(x, cell), cell);
  x = ops.gelu(ops.linear(x, w.adapter1));
  x = ops.gelu(ops.linear(x, w.adapter2));
  return ops.rms(ops.linear(x, w.projection), config.text.rms_eps);
}

}  // namespace melete
