#include "model/hf_layout.h"

namespace melete {
namespace {

constexpr int64_t kSampleRateHz = 24000;
constexpr int kLanczos = 1;  // PIL's number for the filter

Json optional_id(int64_t id) { return id < 0 ? Json() : Json(id); }

Json pixel_fields() {
  return {{"do_convert_rgb", true}, {"do_normalize", true},          {"do_rescale", true},
          {"do_resize", true},      {"image_mean", {0.5, 0.5, 0.5}}, {"image_std", {0.5, 0.5, 0.5}},
          {"resample", kLanczos},   {"rescale_factor", 1.0 / 255.0}};
}

Json patch_fields(const VisionConfig& c) {
  Json j = pixel_fields();
  j["patch_size"] = c.patch_size;
  j["merge_size"] = c.merge_size;
  j["temporal_patch_size"] = c.patch_temporal;
  return j;
}

Json image_processor_json(const ModelConfig& config, const ProcessorLimits& limits) {
  Json j = patch_fields(config.vision);
  j["image_processor_type"] = "MuseGlimmerImageProcessor";
  j["max_image_tokens"] = limits.max_image_tokens;
  return j;
}

Json video_processor_json(const ModelConfig& config, const ProcessorLimits& limits) {
  Json j = patch_fields(config.vision);
  j["video_processor_type"] = "MuseGlimmerVideoProcessor";
  j["max_video_frame_tokens"] = limits.max_video_frame_tokens;
  j["num_frames"] = limits.max_video_frames;
  j["fps"] = limits.video_fps;
  j["do_sample_frames"] = true;
  j["frame_timestamp_format"] = "Time: {timestamp:.1f}s";
  j["return_metadata"] = false;
  return j;
}

Json feature_extractor_json(const ModelConfig& config) {
  return {{"feature_extractor_type", "MuseSparkFeatureExtractor"},
          {"feature_size", 1},
          {"padding_side", "right"},
          {"padding_value", 0.0},
          {"return_attention_mask", true},
          {"samples_per_token", config.audio.samples_per_token()},
          {"sampling_rate", kSampleRateHz}};
}

const char* processor_class(const ModelConfig& config) {
  return config.is_spark() ? "MuseSparkProcessor" : "MuseGlimmerProcessor";
}

}  // namespace

Json generation_config_json(const ModelConfig& config) {
  const auto& ends = config.text.eos_token_ids;
  return {{"_from_model_config", true},
          {"bos_token_id", optional_id(config.text.bos_token_id)},
          {"eos_token_id", ends.empty()       ? Json()
                           : ends.size() == 1 ? Json(ends[0])
                                              : Json(ends)},
          {"use_cache", true}};
}

Json processor_config_json(const ModelConfig& config, const ProcessorLimits& limits) {
  Json j = {{"processor_class", processor_class(config)}};
  if (config.has_vision) {
    j["image_processor"] = image_processor_json(config, limits);
    j["video_processor"] = video_processor_json(config, limits);
  }
  if (config.has_audio) j["feature_extractor"] = feature_extractor_json(config);
  return j;
}

std::vector<std::pair<std::string, Json>> preprocessor_files(const ModelConfig& config,
                                                             const ProcessorLimits& limits) {
  std::vector<std::pair<std::string, Json>> files;
  Json preprocessor = {{"processor_class", processor_class(config)}};
  if (config.has_vision) preprocessor.update(image_processor_json(config, limits));
  if (config.has_audio) preprocessor.update(feature_extractor_json(config));
  files.emplace_back("preprocessor_config.json", preprocessor);
  if (!config.has_vision) return files;
  Json video = {{"processor_class", processor_class(config)}};
  video.update(video_processor_json(config, limits));
  files.emplace_back("video_preprocessor_config.json", video);
  return files;
}

}  // namespace melete
