#include "kernels/gemm.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernels/kernel_table.h"
#include "kernels/weight_memory.h"

namespace melete {
namespace {

// Multiply-adds below which waking a thread costs more than it saves.
constexpr int64_t kTaskWork = 1 << 16;

int64_t panels_of(int64_t cols) { return (cols + 15) / 16; }

template <class E>
void pack_panel(const E* b, int64_t depth, int64_t cols, int64_t k_stride, int64_t n_stride, E* out) {
  if (n_stride == 1) {
    for (int64_t k = 0; k < depth; ++k) {
      for (int64_t n = 0; n < 16; ++n) out[16 * k + n] = n < cols ? b[k * k_stride + n] : E{};
    }
    return;
  }
  for (int64_t n = 0; n < 16; ++n) {
    if (n >= cols) {
      for (int64_t k = 0; k < depth; ++k) out[16 * k + n] = E{};
    }
  }
  // Blocks of 16 x 16, so that both sides stay in the first cache level.
  for (int64_t block = 0; block < depth; block += 16) {
    const int64_t end = std::min(block + 16, depth);
    for (int64_t n = 0; n < std::min<int64_t>(cols, 16); ++n) {
      for (int64_t k = block; k < end; ++k) out[16 * k + n] = b[k * k_stride + n * n_stride];
    }
  }
}

// b's element (k, n) is b[k * k_stride + n * n_stride].
template <class E>
void pack_all(ThreadPool& pool, const E* b, int64_t depth, int64_t cols, int64_t k_stride, int64_t n_stride,
              E* out) {
  pool.for_ranges(panels_of(cols), std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(depth, 1)),
                  [&](int64_t begin, int64_t end) {
                    for (int64_t p = begin; p < end; ++p)
                      pack_panel(b + 16 * p * n_stride, depth, cols - 16 * p, k_stride, n_stride,
                                 out + p * depth * 16);
                  });
}

template <class E>
std::shared_ptr<const std::byte> packed_weights(ThreadPool& pool, std::span<const E> w, int64_t out,
                                                int64_t in) {
  MELETE_CHECK(static_cast<int64_t>(w.size()) == out * in, out, " x ", in);
  std::shared_ptr<std::byte> panels =
      allocate_weights(packed_size(in, out) * static_cast<int64_t>(sizeof(E)));
  pack_all(pool, w.data(), in, out, 1, in, reinterpret_cast<E*>(panels.get()));
  return panels;
}

// One piece of a product: a range of rows by a range of panels.
struct GemmCut {
  int64_t row_parts = 1, panel_parts = 1;
};

// Panels are cut first, since then every thread reads its own part of the weights; rows where panels are few.
GemmCut cut(const GemmWork& w, int64_t rows, int64_t tile_rows, int threads) {
  GemmCut c;
  const int64_t work = rows * w.depth * w.cols;
  if (threads == 1 || work < 2 * kTaskWork) return c;
  const int64_t wanted = std::min<int64_t>(4 * threads, work / kTaskWork), panels = panels_of(w.cols);
  c.panel_parts = std::clamp<int64_t>(panels / 8, 1, wanted);
  c.row_parts = std::clamp<int64_t>(rows / (4 * tile_rows), 1, (wanted + c.panel_parts - 1) / c.panel_parts);
  if (c.panel_parts * c.row_parts == 1) c.panel_parts = std::min<int64_t>(panels, threads);
  return c;
}

void run_piece(const KernelTable& table, const GemmWork& w, int64_t rows, const GemmCut& c, int64_t piece) {
  const int64_t p = piece % c.panel_parts, r = piece / c.panel_parts, panels = panels_of(w.cols);
  table.gemm(w, rows * r / c.row_parts, rows * (r + 1) / c.row_parts, panels * p / c.panel_parts,
             panels * (p + 1) / c.panel_parts);
}

void run(ThreadPool& pool, const GemmWork& w, int64_t rows) {
  const KernelTable& table = kernel_table();
  if (rows == 0 || w.cols == 0) return;
  const GemmCut c = cut(w, rows, table.gemm_rows, pool.num_threads());
  pool.run(c.row_parts * c.panel_parts, [&](int64_t piece) { run_piece(table, w, rows, c, piece); });
}

GemmWork work_for(ConstMatrix x, const PackedView& b, const float* bias, Matrix y) {
  MELETE_CHECK(x.cols == b.depth && y.rows == x.rows && y.cols == b.cols, x.rows, " x ", x.cols, " by ",
               b.depth, " x ", b.cols, " to ", y.rows, " x ", y.cols);
  return {x.data, x.cols, 1, b.panels, b.bf16, b.depth, b.cols, y.data, bias, false};
}

}  // namespace

int64_t packed_size(int64_t depth, int64_t cols) { return panels_of(cols) * depth * 16; }

void pack(ThreadPool& pool, const float* b, int64_t depth, int64_t cols, int64_t k_stride, int64_t n_stride,
          std::span<float> out) {
  MELETE_CHECK(static_cast<int64_t>(out.size()) >= packed_size(depth, cols), depth, " x ", cols);
  pack_all(pool, b, depth, cols, k_stride, n_stride, out.data());
}

PackedMatrix::PackedMatrix(ThreadPool& pool, std::span<const float> w, int64_t out, int64_t in)
    : panels_(packed_weights(pool, w, out, in)), in_(in), out_(out) {}

PackedMatrix::PackedMatrix(ThreadPool& pool, std::span<const uint16_t> bf16_w, int64_t out, int64_t in)
    : panels_(packed_weights(pool, bf16_w, out, in)), in_(in), out_(out), bf16_(true) {}

int64_t PackedMatrix::bytes() const { return packed_size(in_, out_) * (bf16_ ? 2 : 4); }

void PackedMatrix::row(int64_t row, std::span<float> values) const {
  MELETE_CHECK(row >= 0 && row < out_ && static_cast<int64_t>(values.size()) == in_, row, " of ", out_, " x ",
               in_);
  const int64_t first = row / 16 * in_ * 16 + row % 16;
  for (int64_t k = 0; k < in_; ++k) {
    float& to = values[static_cast<size_t>(k)];
    const std::byte* from = panels_.get() + (first + 16 * k) * (bf16_ ? 2 : 4);
    if (bf16_) {
      uint16_t bits;
      std::memcpy(&bits, from, 2);
      to = std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
    } else {
      std::memcpy(&to, from, 4);
    }
  }
}

void matmul(ThreadPool& pool, ConstMatrix x, const PackedView& b, std::span<const float> bias, Matrix y) {
  MELETE_CHECK(bias.empty() || static_cast<int64_t>(bias.size()) == b.cols, bias.size(), " for ", b.cols);
  run(pool, work_for(x, b, bias.empty() ? nullptr : bias.data(), y), x.rows);
}

void matmul_each(ThreadPool& pool, ConstMatrix x, std::span<const MatmulTarget> targets) {
  constexpr size_t kMost = 8;
  MELETE_CHECK(targets.size() <= kMost, targets.size());
  const KernelTable& table = kernel_table();
  GemmWork works[kMost];
  GemmCut cuts[kMost];
  int64_t ends[kMost] = {}, total = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    works[i] = work_for(x, targets[i].b, nullptr, targets[i].y);
    cuts[i] = cut(works[i], x.rows, table.gemm_rows, pool.num_threads());
    ends[i] = total += cuts[i].row_parts * cuts[i].panel_parts;
  }
  if (x.rows == 0) return;
  pool.run(total, [&](int64_t piece) {
    size_t i = 0;
    while (piece >= ends[i]) ++i;
    run_piece(table, works[i], x.rows, cuts[i], piece - (i == 0 ? 0 : ends[i - 1]));
  });
}

void gemm(ThreadPool& pool, ConstMatrix a, bool transpose_a, ConstMatrix b, bool transpose_b, bool accumulate,
          Matrix c, std::span<float> scratch) {
  const int64_t rows = transpose_a ? a.cols : a.rows, depth = transpose_a ? a.rows : a.cols;
  const int64_t cols = transpose_b ? b.rows : b.cols;
  MELETE_CHECK((transpose_b ? b.cols : b.rows) == depth && c.rows == rows && c.cols == cols, rows, " x ",
               depth, " x ", cols);
  pack(pool, b.data, depth, cols, transpose_b ? 1 : b.cols, transpose_b ? b.cols : 1, scratch);
  const GemmWork w{a.data,
                   transpose_a ? 1 : a.cols,
                   transpose_a ? a.cols : 1,
                   scratch.data(),
                   false,
                   depth,
                   cols,
                   c.data,
                   nullptr,
                   accumulate};
  run(pool, w, rows);
}

}  // namespace melete
