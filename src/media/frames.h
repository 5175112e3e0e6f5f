// Collects the frames of an animation within a memory limit: when the limit is reached every second frame
// goes, and from then on only every second one is kept, so the kept ones stay evenly spread over the whole
// clip.
#pragma once

#include "media/part.h"

namespace melete {

class FrameCollector {
 public:
  explicit FrameCollector(int64_t max_bytes) : max_bytes_(max_bytes) {}

  // Frames come in order of time; the image is copied only if it is kept.
  void add(const Image& frame, double time_s);

  // One frame gives an Image, several a Video. CHECKs that there was a frame.
  Part finish() &&;

 private:
  int64_t max_bytes_;
  int64_t seen_ = 0, stride_ = 1;
  Video video_;
};

}  // namespace melete
