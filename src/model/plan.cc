#include "model/plan.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace melete {
namespace {

struct Taps {
  int64_t index[2];
  float weight[2];
};

// Two taps of a P-long axis around position (i + 0.5) * P / size - 0.5; a tap outside weighs zero.
Taps axis_taps(int64_t i, int64_t size, int64_t table) {
  const float source =
      (static_cast<float>(i) + 0.5f) * static_cast<float>(table) / static_cast<float>(size) - 0.5f;
  const float low = std::floor(source);
  Taps taps;
  for (int64_t j = 0; j < 2; ++j) {
    const int64_t raw = static_cast<int64_t>(low) + j;
    const float weight = std::max(0.f, 1.f - std::fabs(source - low - static_cast<float>(j)));
    taps.index[j] = std::clamp<int64_t>(raw, 0, table - 1);
    taps.weight[j] = raw >= 0 && raw < table ? weight : 0.f;
  }
  return taps;
}

// Spark decodes the flat patch index as if the grid were w x h; checkpoints were trained so (muse_spark,
// "Vision tower").
void append_taps(VisionPlan& plan, bool is_spark, int64_t table, const PatchGrid& grid) {
  const int64_t rows = is_spark ? grid.w : grid.h, columns = is_spark ? grid.h : grid.w;
  for (int64_t group = 0; group < grid.t; ++group)
    for (int64_t n = 0; n < grid.h * grid.w; ++n) {
      const Taps r = axis_taps(n / columns, rows, table), c = axis_taps(n % columns, columns, table);
      for (int a = 0; a < 2; ++a)
        for (int b = 0; b < 2; ++b) {
          plan.tap_index.push_back(r.index[a] * table + c.index[b]);
          plan.tap_weight.push_back(r.weight[a] * c.weight[b]);
        }
    }
}

void append_angles(VisionPlan& plan, const VisionConfig& c, int64_t y, int64_t x) {
  const int64_t quarter = c.hidden_size / c.num_heads / 4;
  for (const int64_t place : {x + 1, y + 1})
    for (int64_t j = 0; j < quarter; ++j) {
      const float exponent = static_cast<float>(j) / static_cast<float>(quarter);
      const float frequency = 1.f / std::pow(static_cast<float>(c.rope_theta), exponent);
      plan.angles.push_back(static_cast<float>(place) * frequency);
    }
}

// Windows are cut from the top left of each group; those at the border are smaller.
void append_windows(VisionPlan& plan, const VisionConfig& c, const PatchGrid& grid, int64_t first) {
  const int64_t P = c.table_size;
  for (int64_t group = 0; group < grid.t; ++group)
    for (int64_t top = 0; top < grid.h; top += P)
      for (int64_t left = 0; left < grid.w; left += P) {
        const int64_t bottom = std::min(top + P, grid.h), right = std::min(left + P, grid.w);
        for (int64_t y = top; y < bottom; ++y)
          for (int64_t x = left; x < right; ++x) {
            plan.to_windows.push_back(first + (group * grid.h + y) * grid.w + x);
            append_angles(plan, c, y, x);
          }
        plan.window_lengths.push_back((bottom - top) * (right - left));
      }
}

// Grid indices in the order of merged cells: each cell's patches (dy, dx) one after another.
void append_cells(std::vector<int64_t>& order, int64_t merge, const PatchGrid& grid, int64_t first) {
  for (int64_t group = 0; group < grid.t; ++group)
    for (int64_t y = 0; y < grid.h; y += merge)
      for (int64_t x = 0; x < grid.w; x += merge)
        for (int64_t dy = 0; dy < merge; ++dy)
          for (int64_t dx = 0; dx < merge; ++dx)
            order.push_back(first + (group * grid.h + y + dy) * grid.w + x + dx);
}

}  // namespace

VisionPlan plan_vision(const ModelConfig& config, std::span<const PatchGrid> grids) {
  const VisionConfig& c = config.vision;
  VisionPlan plan;
  std::vector<int64_t> cells;
  for (const PatchGrid& grid : grids) {
    MELETE_CHECK(grid.h % c.merge_size == 0 && grid.w % c.merge_size == 0, "grid ", grid.h, " x ", grid.w);
    append_taps(plan, config.is_spark(), c.table_size, grid);
    append_windows(plan, c, grid, plan.num_patches);
    append_cells(cells, c.merge_size, grid, plan.num_patches);
    for (int64_t group = 0; group < grid.t; ++group) plan.group_lengths.push_back(grid.h * grid.w);
    plan.num_patches += grid.t * grid.h * grid.w;
  }
  std::vector<int64_t> window_place(static_cast<size_t>(plan.num_patches));
  for (size_t i = 0; i < plan.to_windows.size(); ++i)
    window_place[static_cast<size_t>(plan.to_windows[i])] = static_cast<int64_t>(i);
  for (const int64_t patch : cells) plan.to_cells.push_back(window_place[static_cast<size_t>(patch)]);
  return plan;
}

}  // namespace melete
