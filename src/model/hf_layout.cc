#include "model/hf_layout.h"

#include "base/file.h"
#include "model/config_fields.h"

namespace melete {
namespace {

constexpr int64_t kSampleRateHz = 24000;
constexpr int kLanczos = 1;  // PIL's number for the filter

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

// A part of processor_config.json; an empty object if it is absent or isn't one.
nlohmann::json part_of(const nlohmann::json& processor, const char* name) {
  const auto found = processor.find(name);
  return found != processor.end() && found->is_object() ? *found : nlohmann::json::object();
}

bool in_range(const ProcessorLimits& limits) {
  const auto count = [](int64_t value) { return value >= 1 && value <= (int64_t{1} << 20); };
  return count(limits.max_image_tokens) && count(limits.max_video_frame_tokens) &&
         count(limits.max_video_frames) && limits.video_fps > 0 && limits.video_fps <= 1000;
}

}  // namespace

Result<ProcessorLimits> read_processor_limits(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "processor_config.json";
  ProcessorLimits limits;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return limits;
  MELETE_ASSIGN_OR_RETURN(const std::string text, read_file(path, uint64_t{1} << 20));
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    return corrupt("[", path.string(), "] must be a JSON object, got something else; check the file");
  std::string problem;
  const nlohmann::json image = part_of(json, "image_processor"), video = part_of(json, "video_processor");
  ConfigFields image_fields(image, "image_processor.", problem),
      video_fields(video, "video_processor.", problem);
  limits.max_image_tokens = image_fields.integer("max_image_tokens", limits.max_image_tokens);
  limits.max_video_frame_tokens =
      video_fields.integer("max_video_frame_tokens", limits.max_video_frame_tokens);
  limits.max_video_frames = video_fields.integer("num_frames", limits.max_video_frames);
  limits.video_fps = video_fields.number("fps", limits.video_fps);
  if (problem.empty() && !in_range(limits))
    problem =
        cat("max_image_tokens, max_video_frame_tokens and num_frames must be 1 to 2^20 and fps above 0 to "
            "1000, got ",
            limits.max_image_tokens, ", ", limits.max_video_frame_tokens, ", ", limits.max_video_frames,
            " and ", limits.video_fps);
  if (!problem.empty()) return invalid_argument("[", path.string(), "] ", problem, "; correct the file");
  return limits;
}

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
