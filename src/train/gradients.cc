#include "train/gradients.h"

namespace melete {

std::vector<BatchLoss> sum_gradients(TrainableModel& model, const std::vector<Batch>& batches,
                                     ThreadPool& pool) {
  std::vector<torch::Tensor> weights;
  for (const TorchParameter& parameter : model.parameters())
    if (parameter.value.requires_grad()) weights.push_back(parameter.value);
  std::vector<BatchLoss> losses(batches.size());
  std::vector<std::vector<torch::Tensor>> gradients(batches.size());
  pool.run(static_cast<int64_t>(batches.size()), [&](int64_t i) {
    torch::set_num_threads(1);
    const auto index = static_cast<size_t>(i);
    losses[index] = model.loss(batches[index]);
    gradients[index] = torch::autograd::grad({losses[index].loss}, weights, {}, /*retain_graph=*/false,
                                             /*create_graph=*/false, /*allow_unused=*/true);
    losses[index].loss = losses[index].loss.detach();
  });
  for (size_t w = 0; w < weights.size(); ++w) {
    torch::Tensor sum;
    for (const auto& of_batch : gradients)
      if (of_batch[w].defined()) sum = sum.defined() ? sum + of_batch[w] : of_batch[w];
    weights[w].mutable_grad() = sum;
  }
  return losses;
}

}  // namespace melete
