// Files of model inputs and the logits that a reference computed for them: how both executors are compared
// with transformers, in the tests and by `melete debug logits`.
//
// For each case NAME: NAME.input_ids int64 [1, T]; media as transformers takes them: NAME.pixel_values
// [patches, 1176] with NAME.image_grid_thw [images, 3]; NAME.pixel_values_videos with NAME.video_grid_thw;
// NAME.input_values [clips, samples] with, for padded clips, NAME.input_values_mask; and what was computed:
// NAME.logits [1, T, V]; NAME.output_ids int64 [1, prompt + n], the greedy continuation without stop tokens.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/input.h"
#include "model/safetensors.h"

namespace melete {

enum class RowKind { image, video, audio };

// A run of positions that one medium's rows fill one after another, split where a video's temporal group
// ends.
struct MediaRun {
  RowKind kind = RowKind::image;
  int64_t medium = 0;  // images, then videos: index into input.grids; audio: into input.clip_samples
  int64_t row = 0;     // of the medium, at the run's begin
  int64_t begin = 0, count = 0;
};

struct LogitsCase {
  std::string name;
  ModelInput input;                    // one document
  std::vector<MediaRun> runs;          // by position
  std::vector<float> expected_logits;  // [T, V]; empty if the file has none
  std::vector<int32_t> expected_ids;   // prompt and continuation; empty if the file has none

  int64_t num_tokens() const { return static_cast<int64_t>(input.tokens.size()); }
  // Tokens to generate: 0 without output_ids.
  int64_t num_new_tokens() const {
    return expected_ids.empty() ? 0 : static_cast<int64_t>(expected_ids.size()) - num_tokens();
  }
};

// Cases sorted by name; tensors of other names are passed over. Errors: those of TensorFile; invalid_argument
// naming the tensor (ids out of range, media that don't fill their placeholders exactly, shapes that
// contradict each other).
Result<std::vector<LogitsCase>> read_logits_cases(const std::filesystem::path& path,
                                                  const ModelConfig& config);

struct LogitsResult {
  std::string name;
  std::vector<float> logits;        // [T, V]
  std::vector<int32_t> output_ids;  // written only if not empty
};

// Writes NAME.logits [1, T, V] float32 and NAME.output_ids [1, n] int64.
Status write_logits_results(const std::filesystem::path& path, std::span<const LogitsResult> results,
                            int64_t vocab_size);

// The largest absolute difference, infinity if a value is not a number or the sizes differ.
double largest_difference(std::span<const float> a, std::span<const float> b);

// One line for people: how far `result` is from what the case expects, empty if it expects nothing.
std::string describe_difference(const LogitsCase& expected, const LogitsResult& result);

}  // namespace melete
