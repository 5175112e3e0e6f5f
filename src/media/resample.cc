#include "media/resample.h"

#include <samplerate.h>

#include <algorithm>
#include <cmath>

namespace melete {

Result<std::vector<float>> resample(const Audio& audio) {
  if (audio.samples.empty()) return std::vector<float>();
  const double ratio = static_cast<double>(kAudioRateHz) / static_cast<double>(audio.rate_hz);
  const double length = std::ceil(static_cast<double>(audio.samples.size()) * ratio);
  std::vector<float> output(static_cast<size_t>(length) + 16);
  SRC_DATA request{};
  request.data_in = audio.samples.data();
  request.data_out = output.data();
  request.input_frames = static_cast<long>(audio.samples.size());
  request.output_frames = static_cast<long>(output.size());
  request.src_ratio = ratio;
  if (const int failure = src_simple(&request, SRC_SINC_MEDIUM_QUALITY, 1); failure != 0)
    return invalid_argument("[audio] must be possible to resample, got: ", src_strerror(failure),
                            "; give a rate between 1 and 384 kHz");
  output.resize(static_cast<size_t>(std::min(static_cast<double>(request.output_frames_gen), length)));
  return output;
}

}  // namespace melete
