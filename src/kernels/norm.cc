#include "kernels/norm.h"

#include "kernels/kernel_table.h"

namespace melete {
namespace {

constexpr int64_t kNormTaskElements = 1 << 14;

NormWork work_for(ConstMatrix x, const float* weight, int64_t weight_size, NormWeight kind, float eps,
                  Matrix y) {
  MELETE_CHECK(x.rows == y.rows && x.cols == y.cols && (weight == nullptr || weight_size == x.cols), x.rows,
               " x ", x.cols, ", weight ", weight_size);
  return {x.data, y.data, x.cols, weight, nullptr, kind, eps, 1.0f};
}

void run_rms(ThreadPool& pool, const NormWork& w, int64_t rows) {
  const KernelTable& table = kernel_table();
  pool.for_ranges(rows, kNormTaskElements / w.width + 1,
                  [&](int64_t begin, int64_t end) { table.rms(w, begin, end); });
}

}  // namespace

void rms_norm(ThreadPool& pool, ConstMatrix x, float eps, float scale, Matrix y) {
  NormWork w = work_for(x, nullptr, 0, NormWeight::none, eps, y);
  w.scale = scale;
  run_rms(pool, w, x.rows);
}

void scaled_rms_norm(ThreadPool& pool, ConstMatrix x, std::span<const float> w, float eps, Matrix y) {
  run_rms(pool, work_for(x, w.data(), static_cast<int64_t>(w.size()), NormWeight::as_is, eps, y), x.rows);
}

void centered_rms_norm(ThreadPool& pool, ConstMatrix x, std::span<const float> w, float eps, Matrix y) {
  run_rms(pool, work_for(x, w.data(), static_cast<int64_t>(w.size()), NormWeight::centered, eps, y), x.rows);
}

void input_scaled_rms_norm(ThreadPool& pool, ConstMatrix x, std::span<const float> w, float eps, Matrix y) {
  run_rms(pool, work_for(x, w.data(), static_cast<int64_t>(w.size()), NormWeight::input_centered, eps, y),
          x.rows);
}

void layer_norm(ThreadPool& pool, ConstMatrix x, std::span<const float> w, std::span<const float> b,
                float eps, Matrix y) {
  MELETE_CHECK(b.size() == w.size(), b.size(), " for ", w.size());
  NormWork work = work_for(x, w.data(), static_cast<int64_t>(w.size()), NormWeight::as_is, eps, y);
  work.bias = b.data();
  const KernelTable& table = kernel_table();
  pool.for_ranges(x.rows, kNormTaskElements / x.cols + 1,
                  [&](int64_t begin, int64_t end) { table.layer_norm(work, begin, end); });
}

}  // namespace melete
