#include "media/frames.h"

#include "base/check.h"

namespace melete {

void FrameCollector::add(const Image& frame, double time_s) {
  if (seen_++ % stride_ != 0) return;
  const auto bytes = static_cast<int64_t>(frame.rgb.size());
  while (!video_.frames.empty() && static_cast<int64_t>(video_.frames.size() + 1) * bytes > max_bytes_) {
    size_t kept = 0;
    for (size_t i = 0; i < video_.frames.size(); i += 2, ++kept) {
      if (i != kept) video_.frames[kept] = std::move(video_.frames[i]);
      video_.times_s[kept] = video_.times_s[i];
    }
    video_.frames.resize(kept);
    video_.times_s.resize(kept);
    stride_ *= 2;
    if ((seen_ - 1) % stride_ != 0) return;
  }
  video_.frames.push_back(frame);
  video_.times_s.push_back(time_s);
}

Part FrameCollector::finish() && {
  MELETE_CHECK(!video_.frames.empty());
  if (video_.frames.size() == 1) return std::move(video_.frames[0]);
  return std::move(video_);
}

}  // namespace melete
