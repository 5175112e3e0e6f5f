// Row norms. y may be x. Sources: RMS norm 1910.07467; layer norm 1607.06450; variants: muse_spark.
#pragma once

#include <span>

#include "base/thread_pool.h"
#include "kernels/matrix.h"

namespace melete {

// y = scale x / sqrt(mean(x^2) + eps) over each row.
void rms_norm(ThreadPool& pool, ConstMatrix x, float eps, float scale, Matrix y);

// rms(x) w, rms(x) (1 + w), and rms(x (1 + w)); w has the width of a row.
void scaled_rms_norm(ThreadPool& pool, ConstMatrix x, std::span<const float> w, float eps, Matrix y);
void centered_rms_norm(ThreadPool& pool, ConstMatrix x, std::span<const float> w, float eps, Matrix y);
void input_scaled_rms_norm(ThreadPool& pool, ConstMatrix x, std::span<const float> w, float eps, Matrix y);

// (x - mean) / sqrt(variance + eps) w + b over each row; the variance divides by the width.
void layer_norm(ThreadPool& pool, ConstMatrix x, std::span<const float> w, std::span<const float> b,
                float eps, Matrix y);

}  // namespace melete
