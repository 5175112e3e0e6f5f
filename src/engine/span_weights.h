// A checkpoint's weights in the form the kernels take: matrices packed, tables left in the memory map where
// they can.
#pragma once

#include "base/result.h"
#include "base/thread_pool.h"
#include "engine/span_ops.h"
#include "model/checkpoint.h"

namespace melete {

struct SpanModel {
  Checkpoint checkpoint;  // keeps the memory map that tables point into
  ModelWeights<SpanOps> weights;

  const ModelConfig& config() const { return checkpoint.config; }
};

// Errors: those of open_checkpoint; corrupt (a weight that isn't finite), naming file and tensor.
Result<SpanModel> load_span_model(const std::filesystem::path& folder, ThreadPool& pool);

}  // namespace melete
