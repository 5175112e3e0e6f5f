// One batch for the forward: documents one after another, with the media that fill their placeholder
// positions.
#pragma once

#include <cstdint>
#include <vector>

#include "model/plan.h"

namespace melete {

struct ModelInput {
  std::vector<int32_t> tokens;            // [N]; placeholder positions hold any valid id
  std::vector<int64_t> document_lengths;  // sum N; positions restart and attention stays within each

  std::vector<PatchGrid> grids;      // one an image or video
  std::vector<float> patches;        // [sum t*h*w, 1176]
  std::vector<int64_t> vision_rows;  // [sum t*h*w / 4]: the position that each merged cell fills

  std::vector<float> samples;         // the clips one after another
  std::vector<int64_t> clip_samples;  // [clips], multiples of 1920
  std::vector<int64_t> audio_rows;    // [sum / 1920]: the position that each step fills
};

}  // namespace melete
