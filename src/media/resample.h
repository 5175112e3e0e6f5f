// Sound at the rate that towers and clips have, kAudioRateHz.
#pragma once

#include <vector>

#include "base/result.h"
#include "media/media.h"

namespace melete {

// At most ceil(samples * kAudioRateHz / rate) samples. Error: invalid_argument (a rate that can't be
// converted).
Result<std::vector<float>> resample(const Audio& audio);

}  // namespace melete
