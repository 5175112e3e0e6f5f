#include "engine/case_prompt.h"

#include <algorithm>
#include <span>

#include "engine/engine.h"
#include "media/hash.h"

namespace melete {
namespace {

constexpr int64_t kPatchWidth = 1176;

template <class T>
std::array<uint8_t, 16> hash_of(const std::vector<float>& values, std::span<const T> sides) {
  const auto bytes = [](const auto& list) {
    return std::span(reinterpret_cast<const uint8_t*>(list.data()), list.size() * sizeof(list[0]));
  };
  const auto shape_hash = hash_bytes(bytes(sides), 0);
  return hash_bytes(bytes(values), shape_hash[0] | static_cast<uint64_t>(shape_hash[1]) << 8);
}

std::shared_ptr<const Media> picture(const ModelInput& input, size_t index, int64_t first_patch,
                                     MediaKind kind) {
  auto media = std::make_shared<Media>();
  const PatchGrid& grid = input.grids[index];
  media->kind = kind;
  media->grid_t = grid.t;
  media->grid_h = grid.h;
  media->grid_w = grid.w;
  const auto begin = input.patches.begin() + first_patch * kPatchWidth;
  media->patches.assign(begin, begin + grid.t * grid.h * grid.w * kPatchWidth);
  if (kind == MediaKind::video)
    for (int64_t group = 0; group < grid.t; ++group)
      media->group_times_s.push_back(static_cast<double>(group));
  const int64_t sides[] = {grid.t, grid.h, grid.w};
  media->hash = hash_of(media->patches, std::span<const int64_t>(sides));
  return media;
}

std::shared_ptr<const Media> clip(const ModelInput& input, size_t index, int64_t first_sample) {
  auto media = std::make_shared<Media>();
  media->kind = MediaKind::audio;
  const auto begin = input.samples.begin() + first_sample;
  media->waveform.assign(begin, begin + input.clip_samples[index]);
  media->hash = hash_of(media->waveform, std::span<const int64_t>(&input.clip_samples[index], 1));
  return media;
}

// All media of one kind as two tensors.
struct Stacked {
  std::vector<float> values;     // patch rows, or clips padded with zeros to the longest
  std::vector<int64_t> sides;    // grids, or the mask of the clips
  int64_t count = 0, width = 0;  // media, and samples of the longest clip
};

Stacked stack_patches(const Prompt& prompt, MediaKind kind) {
  Stacked all;
  for (const auto& media : prompt.media) {
    if (media->kind != kind) continue;
    all.values.insert(all.values.end(), media->patches.begin(), media->patches.end());
    all.sides.insert(all.sides.end(), {media->grid_t, media->grid_h, media->grid_w});
    ++all.count;
  }
  return all;
}

Stacked stack_clips(const Prompt& prompt) {
  Stacked all;
  for (const auto& media : prompt.media)
    all.width = std::max(all.width, static_cast<int64_t>(media->waveform.size()));
  for (const auto& media : prompt.media) {
    if (media->kind != MediaKind::audio) continue;
    ++all.count;
    const auto end = static_cast<size_t>(all.count * all.width);
    all.values.insert(all.values.end(), media->waveform.begin(), media->waveform.end());
    all.sides.insert(all.sides.end(), media->waveform.size(), 1);
    all.values.resize(end, 0);
    all.sides.resize(end, 0);
  }
  return all;
}

}  // namespace

Prompt prompt_of(const LogitsCase& given) {
  const ModelInput& input = given.input;
  Prompt prompt;
  prompt.tokens = input.tokens;
  std::vector<MediaKind> kinds(input.grids.size(), MediaKind::image);
  for (const MediaRun& run : given.runs)
    if (run.kind == RowKind::video) kinds[static_cast<size_t>(run.medium)] = MediaKind::video;
  int64_t first_patch = 0;
  for (size_t i = 0; i < input.grids.size(); ++i) {
    prompt.media.push_back(picture(input, i, first_patch, kinds[i]));
    first_patch += input.grids[i].t * input.grids[i].h * input.grids[i].w;
  }
  int64_t first_sample = 0;
  for (size_t i = 0; i < input.clip_samples.size(); ++i) {
    prompt.media.push_back(clip(input, i, first_sample));
    first_sample += input.clip_samples[i];
  }
  const auto num_grids = static_cast<int64_t>(input.grids.size());
  for (const MediaRun& run : given.runs)
    prompt.spans.push_back(
        {run.begin, run.count, run.medium + (run.kind == RowKind::audio ? num_grids : 0), run.row});
  return prompt;
}

Result<LogitsResult> run_logits_case(Engine& engine, const LogitsCase& given) {
  const Prompt prompt = prompt_of(given);
  LogitsResult result;
  result.name = given.name;
  MELETE_ASSIGN_OR_RETURN(result.logits, engine.logits(prompt));
  if (given.expected_ids.empty()) return result;
  result.output_ids = prompt.tokens;
  if (given.num_new_tokens() == 0) return result;
  MELETE_ASSIGN_OR_RETURN(const SequenceId sequence, engine.prefill(prompt));
  Sampling greedy;
  greedy.max_tokens = given.num_new_tokens();
  engine.start(sequence, greedy, [&](const SampledToken& token) {
    result.output_ids.push_back(token.id);
    return true;
  });
  while (engine.step()) {
  }
  engine.release(sequence);
  return result;
}

Status write_prompt(const std::filesystem::path& path, const std::string& name, const Prompt& prompt) {
  const std::vector<int64_t> ids(prompt.tokens.begin(), prompt.tokens.end());
  const Stacked images = stack_patches(prompt, MediaKind::image),
                videos = stack_patches(prompt, MediaKind::video);
  const Stacked clips = stack_clips(prompt);
  std::vector<TensorSource> tensors;
  const auto integers = [&](const char* key, TensorShape shape, const std::vector<int64_t>& values) {
    tensors.push_back({name + key, DataType::i64, std::move(shape), std::span<const int64_t>(values)});
  };
  const auto floats = [&](const char* key, TensorShape shape, const std::vector<float>& values) {
    tensors.push_back({name + key, DataType::f32, std::move(shape), std::span<const float>(values)});
  };
  const auto rows = [](const Stacked& all) { return static_cast<int64_t>(all.values.size()) / kPatchWidth; };
  integers(".input_ids", {1, static_cast<int64_t>(ids.size())}, ids);
  if (images.count > 0) {
    floats(".pixel_values", {rows(images), kPatchWidth}, images.values);
    integers(".image_grid_thw", {images.count, 3}, images.sides);
  }
  if (videos.count > 0) {
    floats(".pixel_values_videos", {rows(videos), kPatchWidth}, videos.values);
    integers(".video_grid_thw", {videos.count, 3}, videos.sides);
  }
  if (clips.count > 0) {
    floats(".input_values", {clips.count, clips.width}, clips.values);
    integers(".input_values_mask", {clips.count, clips.width}, clips.sides);
  }
  return write_safetensors(path, tensors);
}

}  // namespace melete
