#include "train/evaluate.h"

#include <algorithm>
#include <map>

#include "base/interrupt.h"

namespace melete {
namespace {

// The cells' documents one after another, run through the model whenever a batch is full.
class Evaluation {
 public:
  Evaluation(TrainableModel& model, int64_t max_tokens) : model_(model), max_tokens_(max_tokens) {}

  void add(const Document& document, size_t cell) {
    if (batch_.num_tokens() + document.num_tokens() > max_tokens_) flush();
    append_document(batch_, document, 1.0);
    cells_of_answers_.insert(cells_of_answers_.end(), document.answers.size(), cell);
  }

  void flush() {
    if (batch_.num_tokens() == 0) return;
    const torch::NoGradGuard no_grad;
    const BatchLoss rows = model_.loss(batch_);
    for (size_t a = 0; a < batch_.answers.size(); ++a) {
      const BatchSpan& answer = batch_.answers[a];
      EvalCell& cell = cells[cells_of_answers_[a]];
      bool right = true;
      for (int64_t r = answer.begin; r < answer.end; ++r) {
        right = right && rows.hit_R[static_cast<size_t>(r)] != 0;
        cell.nll_sum += rows.nll_R[static_cast<size_t>(r)];
      }
      cell.right += right;
      ++cell.asked;
      cell.targets += answer.end - answer.begin;
    }
    batch_ = {};
    cells_of_answers_.clear();
  }

  std::vector<EvalCell> cells;

 private:
  TrainableModel& model_;
  const int64_t max_tokens_;
  Batch batch_;
  std::vector<size_t> cells_of_answers_;
};

}  // namespace

Result<std::vector<EvalCell>> evaluate_dev(const DocumentMaker& maker, TrainableModel& model,
                                           const OpenLevels& open, int64_t questions, int64_t max_tokens) {
  Evaluation evaluation(model, max_tokens);
  const auto num_tasks = static_cast<int32_t>(maker.tasks().size());
  for (int32_t task = 0; task < num_tasks; ++task) {
    const int32_t top = std::min(open.at(static_cast<size_t>(task)),
                                 maker.tasks()[static_cast<size_t>(task)].info.num_levels - 1);
    for (int32_t level = 0; level <= top; ++level) {
      for (const AnswerKind kind : {AnswerKind::instant, AnswerKind::thinking}) {
        const int64_t wanted = kind == AnswerKind::thinking ? (questions + 1) / 2 : questions;
        evaluation.cells.push_back({task, level, kind, 0, 0, 0, 0});
        for (int64_t i = 0; i < wanted; ++i) {
          if (interrupted()) return std::move(evaluation.cells);
          const uint64_t seed = mix_seed(stable_hash(maker.tasks()[static_cast<size_t>(task)].info.name),
                                         static_cast<uint64_t>(i * 1000 + level));
          MELETE_ASSIGN_OR_RETURN(const Document document,
                                  maker.make_of(task, level, kind, Split::dev, seed, max_tokens));
          if (document.answers.back().kind != kind) break;  // the task has no reasoning
          evaluation.add(document, evaluation.cells.size() - 1);
        }
      }
    }
  }
  evaluation.flush();
  return std::move(evaluation.cells);
}

Json to_json(const std::vector<EvalCell>& cells, const std::vector<TrainingTask>& tasks) {
  Json accuracy = Json::object();
  std::map<std::string, std::pair<double, double>> nll;
  for (const EvalCell& cell : cells) {
    if (cell.asked == 0) continue;
    const TaskInfo& info = tasks.at(static_cast<size_t>(cell.task)).info;
    accuracy[info.name][std::to_string(cell.level)][name_of(cell.kind)] =
        static_cast<double>(cell.right) / static_cast<double>(cell.asked);
    auto& [sum, count] = nll[info.family];
    sum += cell.nll_sum;
    count += static_cast<double>(cell.targets);
  }
  Json families = Json::object();
  for (const auto& [family, pair] : nll) families[family] = pair.first / pair.second;
  return {{"nll", std::move(families)}, {"accuracy", std::move(accuracy)}};
}

}  // namespace melete
