#include "kernels/quant.h"

#include <algorithm>
#include <cmath>

#include "kernels/kernel_table.h"
#include "kernels/quant_access.h"

namespace melete {
namespace {

// Weight bytes times blocks of rows below which waking a thread costs more than it saves.
constexpr int64_t kTaskBytes = 1 << 15;
// Activations that one task rounds at least.
constexpr int64_t kTaskValues = 1 << 13;

QuantWork work_for(const QuantActivations& x, const QuantMatrix& w, std::span<const float> bias, Matrix y) {
  MELETE_CHECK(!w.empty() && x.cols() == w.in() && y.rows == x.rows() && y.cols == w.out(), x.rows(), " x ",
               x.cols(), " by ", w.in(), " x ", w.out(), " to ", y.rows, " x ", y.cols);
  MELETE_CHECK(bias.empty() || static_cast<int64_t>(bias.size()) == w.out(), bias.size(), " for ", w.out());
  const QuantLayout layout = QuantAccess::layout(w);
  return {QuantAccess::panels(w),
          quant_pairs(w.in()),
          layout.record_bytes(),
          layout.format,
          layout.half,
          QuantAccess::records(x),
          x.type(),
          x.rows(),
          w.out(),
          y.data,
          bias.empty() ? nullptr : bias.data()};
}

// Most pieces that a thread's share of a product is cut into: where the system takes a thread away for a
// moment, the others wait for one piece.
constexpr int64_t kMostPieces = 12;

// One product's pieces: ranges of blocks of rows by ranges of panels. Panels are cut first, so that a thread
// reads an unbroken part of the weights; rows where panels are few.
struct Cut {
  QuantWork work{};
  int64_t blocks = 0, panels = 0, block_parts = 1, panel_parts = 1;

  int64_t pieces() const { return block_parts * panel_parts; }
};

Cut cut(const QuantWork& work, int threads) {
  Cut c{work, (work.rows + kQuantRows - 1) / kQuantRows, quant_panels(work.cols), 1, 1};
  const int64_t bytes = c.panels * work.pairs * work.record_bytes * c.blocks;
  if (threads == 1 || bytes < 2 * kTaskBytes) return c;
  const int64_t wanted = threads * std::clamp<int64_t>(bytes / (threads * 4 * kTaskBytes), 1, kMostPieces);
  c.panel_parts = std::clamp<int64_t>(c.panels / 2, 1, wanted);
  c.block_parts = std::clamp<int64_t>(c.blocks / 4, 1, (wanted + c.panel_parts - 1) / c.panel_parts);
  return c;
}

void run_piece(const KernelTable& table, const Cut& c, int64_t piece) {
  const int64_t p = piece % c.panel_parts, b = piece / c.panel_parts;
  table.quant_matmul(c.work, c.blocks * b / c.block_parts, c.blocks * (b + 1) / c.block_parts,
                     c.panels * p / c.panel_parts, c.panels * (p + 1) / c.panel_parts);
}

}  // namespace

void QuantActivations::assign(ThreadPool& pool, ConstMatrix x, ActivationType type) {
  type_ = type;
  rows_ = x.rows;
  cols_ = x.cols;
  const int64_t row_words = 2 * quant_pairs(x.cols) * activation_words(type);
  records_.resize(std::max(records_.size(), static_cast<size_t>(x.rows * row_words)));
  const KernelTable& table = kernel_table();
  const int64_t blocks = (x.rows + kQuantRows - 1) / kQuantRows, groups = 2 * quant_pairs(x.cols);
  const int64_t grain = kTaskValues / (kQuantGroup * std::clamp<int64_t>(x.rows, 1, kQuantRows));
  pool.for_ranges(blocks * groups, grain, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end;) {
      const int64_t row = at / groups * kQuantRows, first = at % groups;
      const int64_t last = std::min(groups, first + end - at);
      table.quantise(x.data + row * x.cols, std::min(kQuantRows, x.rows - row), x.cols, type, first, last,
                     records_.data() + row * row_words);
      at += last - first;
    }
  });
}

void matmul(ThreadPool& pool, const QuantActivations& x, const QuantMatrix& w, std::span<const float> bias,
            Matrix y) {
  const QuantTarget target{&w, y, bias};
  matmul_each(pool, x, {&target, 1});
}

void matmul_each(ThreadPool& pool, const QuantActivations& x, std::span<const QuantTarget> targets) {
  constexpr size_t kMost = 8;
  MELETE_CHECK(targets.size() <= kMost, targets.size());
  const KernelTable& table = kernel_table();
  Cut cuts[kMost];
  int64_t ends[kMost] = {}, total = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    cuts[i] = cut(work_for(x, *targets[i].w, targets[i].bias, targets[i].y), pool.num_threads());
    ends[i] = total += cuts[i].pieces();
  }
  if (x.rows() == 0) return;
  pool.run(total, [&](int64_t piece) {
    size_t i = 0;
    while (piece >= ends[i]) ++i;
    run_piece(table, cuts[i], piece - (i == 0 ? 0 : ends[i - 1]));
  });
}

}  // namespace melete
