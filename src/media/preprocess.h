// From decoded media to tower input, as the reference processor does it (muse_spark, "Vision tower", "Audio tower").
#pragma once

#include "base/result.h"
#include "media/media.h"

namespace melete {

struct MediaLimits {
  int64_t max_image_tokens = 4096;        // an image is scaled down until it fits
  int64_t max_video_frame_tokens = 144;   // the same for a frame
  int64_t max_video_frames = 96;
  double video_fps = 2.0;                 // frames taken a second
  double max_audio_s = 600.0;
};

// Each returns a complete Media (hash included), or invalid_argument naming what the input must be
// (non-empty, known sizes, limits). An aspect ratio over 200:1 is refused.
Result<std::shared_ptr<const Media>> preprocess(const Image& image, const MediaLimits& limits);
Result<std::shared_ptr<const Media>> preprocess(const Video& video, const MediaLimits& limits);
Result<std::shared_ptr<const Media>> preprocess(const Audio& audio, const MediaLimits& limits);  // resamples to 24 kHz

}  // namespace melete
