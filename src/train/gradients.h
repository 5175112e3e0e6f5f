// Forward and backward of a step's micro-batches, shared out over threads.
//
// Operations of small models are too short to split, so each thread takes whole micro-batches; their
// gradients are added in a fixed order, so the number of threads changes no bit.
#pragma once

#include <vector>

#include "base/thread_pool.h"
#include "train/model_port.h"

namespace melete {

// One loss a batch; leaves the summed gradients on the model's parameters (undefined where no batch used
// one).
std::vector<BatchLoss> sum_gradients(TrainableModel& model, const std::vector<Batch>& batches,
                                     ThreadPool& pool);

}  // namespace melete
