// What the towers need to know about the shapes of a batch of media: positions, windows, order. Pure index
// arithmetic, shared by both executors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/config.h"

namespace melete {

struct PatchGrid {
  int64_t t = 0, h = 0, w = 0;
};

// All vectors describe the patches of all grids, one after another (N in sum).
struct VisionPlan {
  int64_t num_patches = 0;
  std::vector<int64_t> tap_index;   // [N, 4] into the position table, in grid order
  std::vector<float> tap_weight;    // [N, 4]
  std::vector<int64_t> to_windows;  // [N] grid index of the patch at each window-ordered place
  std::vector<int64_t>
      to_cells;  // [N] window-ordered index of the patch at each place of the 2 x 2 cell order
  std::vector<int64_t> window_lengths;  // patches of each P x P window, in window order
  std::vector<int64_t> group_lengths;   // patches of each temporal group of each medium
  std::vector<float> angles;            // [N, K/2], window-ordered: rotary angles (x+1)*f then (y+1)*f
};

// Grids have even sides (checked by the caller with the prompt).
VisionPlan plan_vision(const ModelConfig& config, std::span<const PatchGrid> grids);

}  // namespace melete
