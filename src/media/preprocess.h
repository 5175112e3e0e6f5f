// From decoded media to tower input, as the reference processor does it (muse_spark, "Vision tower", "Audio
// tower").
//
// Image: resized to tower_size with Lanczos, 8 bits a channel, then (x - 127.5) / 127.5, then patch rows (see
// Media). Video: frames chosen by sampled_frames, each resized as an image under its own cap; an odd last
// frame is repeated. Audio: resampled to 24 kHz, zeros appended up to a multiple of 1920.
#pragma once

#include <vector>

#include "base/result.h"
#include "media/part.h"

namespace melete {

struct MediaLimits {
  int64_t max_image_tokens = 4096;       // an image is scaled down until it fits
  int64_t max_video_frame_tokens = 144;  // the same for a frame
  int64_t max_video_frames = 96;
  double video_fps = 2.0;  // frames taken a second
  double max_audio_s = 600.0;
};

// Each returns a complete Media (hash included), or invalid_argument naming what the input must be
// (non-empty, known sizes, limits). An aspect ratio over 200:1 is refused.
Result<std::shared_ptr<const Media>> preprocess(const Image& image, const MediaLimits& limits);
Result<std::shared_ptr<const Media>> preprocess(const Video& video, const MediaLimits& limits);
Result<std::shared_ptr<const Media>> preprocess(const Audio& audio,
                                                const MediaLimits& limits);  // resamples to 24 kHz

// Whichever medium the part is; invalid_argument for text.
Result<std::shared_ptr<const Media>> preprocess(const Part& part, const MediaLimits& limits);

// Width and height in pixels that an image of this size is resized to: multiples of 28, as near to its aspect
// ratio as whole cells allow, at most max_tokens cells; the size rounds up or down, so small images may grow
// a little.
struct TowerSize {
  int64_t width = 0, height = 0;
};
TowerSize tower_size(int64_t width, int64_t height, int64_t max_tokens);

// Rising indices of the frames to take from `num_frames` that follow one another at `fps`: limits.video_fps
// of them a second, even in number where there are two or more, spread over the whole clip.
std::vector<int64_t> sampled_frames(int64_t num_frames, double fps, const MediaLimits& limits);

}  // namespace melete
