// muse_spark and muse_glimmer: the templates of src/model over SpanOps, from Hugging Face folders and GGUF
// files.
#include "engine/families/family.h"
#include "engine/families/muse_gguf.h"
#include "engine/span_weights.h"
#include "model/audio.h"
#include "model/checkpoint.h"
#include "model/decoder.h"
#include "model/vision.h"

namespace melete {
namespace {

DecoderShape shape_of(const ModelConfig& config) {
  const TextConfig& c = config.text;
  DecoderShape shape{config.is_spark() ? "muse_spark" : "muse_glimmer",
                     c.vocab_size,
                     c.max_positions,
                     c.hidden_size,
                     {},
                     {},
                     KvType::f32};
  for (const uint8_t sliding : c.is_sliding)
    shape.layers.push_back({{c.num_heads, c.num_kv_heads, c.head_dim}, sliding != 0 ? c.sliding_window : 0});
  shape.media.has_vision = config.has_vision;
  shape.media.has_audio = config.has_audio;
  if (config.has_vision) {
    shape.media.merge_size = config.vision.merge_size;
    shape.media.patch_width = config.vision.patch_width();
  }
  if (config.has_audio) shape.media.samples_per_token = config.audio.samples_per_token();
  return shape;
}

class MuseDecoder : public Decoder {
 public:
  // `file`: what the weights' tables point into.
  MuseDecoder(ModelConfig config, ModelWeights<SpanOps> weights, std::shared_ptr<const void> file)
      : config_(std::move(config)),
        weights_(std::move(weights)),
        file_(std::move(file)),
        shape_(shape_of(config_)) {
    shape_.kv_type = kv_type_beside(weights_.layers.at(0).attention.q);
  }

  const DecoderShape& shape() const override { return shape_; }

  Tensor embed(SpanOps& ops, std::span<const int32_t> ids) const override {
    return embed_rows(ops, weights_, config_, ids);
  }

  Tensor layers(SpanOps& ops, Tensor x) const override {
    return decode_rows(ops, weights_, config_, std::move(x));
  }

  Tensor logits(SpanOps& ops, const Tensor& hidden) const override {
    return head_logits(ops, weights_, config_, hidden);
  }

  Tensor media_rows(SpanOps& ops, const Media& media) const override {
    if (media.kind == MediaKind::audio) {
      const int64_t samples = static_cast<int64_t>(media.waveform.size());
      return audio_tower(ops, weights_.audio, config_, media.waveform, std::span(&samples, 1));
    }
    const PatchGrid grid{media.grid_t, media.grid_h, media.grid_w};
    const VisionPlan plan = plan_vision(config_, std::span(&grid, 1));
    return vision_tower(ops, weights_.vision, config_, plan, media.patches);
  }

 private:
  ModelConfig config_;
  ModelWeights<SpanOps> weights_;
  std::shared_ptr<const void> file_;
  DecoderShape shape_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> load_muse(ModelFiles files, const LoadOptions& options, ThreadPool& pool) {
  const auto nothing = [](std::string_view) { return false; };
  ModelWeights<SpanOps> weights;
  if (files.is_gguf()) {
    MELETE_ASSIGN_OR_RETURN(MuseGguf opened, open_muse_gguf(*files.gguf, files.path));
    const auto gguf = std::make_shared<const MuseGguf>(std::move(opened));
    MELETE_RETURN_IF_ERROR(load_in_two_steps(
        gguf->tensors, options, pool, [&](WeightLoader& loader) { load_muse_gguf(*gguf, loader, weights); },
        nothing));
    return std::unique_ptr<Decoder>(std::make_unique<MuseDecoder>(gguf->config, std::move(weights), gguf));
  }
  MELETE_ASSIGN_OR_RETURN(Checkpoint opened, open_checkpoint(files.path));
  const auto checkpoint = std::make_shared<const Checkpoint>(std::move(opened));
  MELETE_RETURN_IF_ERROR(load_in_two_steps(
      checkpoint->tensors, options, pool,
      [&](WeightLoader& loader) { load_weights(checkpoint->config, loader, weights); }, nothing));
  return std::unique_ptr<Decoder>(
      std::make_unique<MuseDecoder>(checkpoint->config, std::move(weights), checkpoint));
}

}  // namespace melete
