// Decoded media, and what the towers take. Decoding: media/decode.h; resizing and patch rows:
// media/preprocess.h.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace melete {

enum class MediaKind { image, video, audio };

// 8-bit RGB, rows from the top: rgb[(y * width + x) * 3 + channel].
struct Image {
  int64_t width = 0, height = 0;
  std::vector<uint8_t> rgb;
};

inline constexpr int64_t kAudioRateHz = 24000;  // what models hear

// Mono samples in [-1, 1].
struct Audio {
  int64_t rate_hz = kAudioRateHz;
  std::vector<float> samples;
};

// Frames of one size, each with its time from the start.
struct Video {
  std::vector<Image> frames;
  std::vector<double> times_s;
};

// One medium as the towers take it (muse_spark, "Vision tower" and "Audio tower"). Immutable once made, so
// conversations, prompts and caches share it.
struct Media {
  MediaKind kind = MediaKind::image;

  // image and video: grid_t x grid_h x grid_w patches; each row is (temporal 2, channel 3, 14, 14), in [-1,
  // 1]; rows ordered group, then y, then x. Grid sides are even, so 2 x 2 patches become one token.
  int64_t grid_t = 0, grid_h = 0, grid_w = 0;
  std::vector<float> patches;         // [grid_t * grid_h * grid_w, 1176]
  std::vector<double> group_times_s;  // video: [grid_t], the time of each temporal group

  std::vector<float> waveform;  // audio: 24 kHz mono, right-padded with zeros to a multiple of 1920

  std::array<uint8_t, 16> hash{};  // of the tower's input: equal hashes mean equal embeddings

  // Positions this medium takes in the token stream (for a video, over all groups).
  int64_t num_tokens() const {
    return kind == MediaKind::audio ? static_cast<int64_t>(waveform.size()) / 1920
                                    : grid_t * grid_h * grid_w / 4;
  }
};

}  // namespace melete
