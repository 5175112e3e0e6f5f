// muse_spark and muse_glimmer: the templates of src/model over SpanOps, from Hugging Face folders.
#include "engine/families/family.h"
#include "engine/span_weights.h"
#include "model/audio.h"
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
                     {}};
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
  explicit MuseDecoder(SpanModel model) : model_(std::move(model)), shape_(shape_of(model_.config())) {}

  const DecoderShape& shape() const override { return shape_; }

  Tensor embed(SpanOps& ops, std::span<const int32_t> ids) const override {
    return embed_rows(ops, model_.weights, model_.config(), ids);
  }

  Tensor layers(SpanOps& ops, Tensor x) const override {
    return decode_rows(ops, model_.weights, model_.config(), std::move(x));
  }

  Tensor logits(SpanOps& ops, const Tensor& hidden) const override {
    return head_logits(ops, model_.weights, model_.config(), hidden);
  }

  Tensor media_rows(SpanOps& ops, const Media& media) const override {
    const ModelConfig& config = model_.config();
    if (media.kind == MediaKind::audio) {
      const int64_t samples = static_cast<int64_t>(media.waveform.size());
      return audio_tower(ops, model_.weights.audio, config, media.waveform, std::span(&samples, 1));
    }
    const PatchGrid grid{media.grid_t, media.grid_h, media.grid_w};
    const VisionPlan plan = plan_vision(config, std::span(&grid, 1));
    return vision_tower(ops, model_.weights.vision, config, plan, media.patches);
  }

 private:
  SpanModel model_;
  DecoderShape shape_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> load_muse(ModelFiles files, const LoadOptions& options, ThreadPool& pool) {
  if (files.is_gguf())
    return invalid_argument("[", files.path.string(), "] a ", files.architecture,
                            " model must be given as a folder with safetensors, got a GGUF file; convert it");
  MELETE_ASSIGN_OR_RETURN(Checkpoint checkpoint, open_checkpoint(files.path));
  SpanModel model{std::move(checkpoint), {}};
  MELETE_RETURN_IF_ERROR(load_in_two_steps(
      model.checkpoint.tensors, options, pool,
      [&](WeightLoader& loader) { load_weights(model.config(), loader, model.weights); },
      [](std::string_view) { return false; }));
  return std::unique_ptr<Decoder>(std::make_unique<MuseDecoder>(std::move(model)));
}

}  // namespace melete
