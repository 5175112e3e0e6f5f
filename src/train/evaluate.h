// Teacher-forced evaluation on the dev split: an answer counts as right if every token of it, its reasoning
// included, has the largest logit. That is when greedy decoding would write it, and costs one forward.
#pragma once

#include "train/document.h"
#include "train/model_port.h"

namespace melete {

struct EvalCell {
  int32_t task = 0, level = 0;
  AnswerKind kind = AnswerKind::instant;
  int64_t right = 0, asked = 0;
  double nll_sum = 0;  // over target tokens
  int64_t targets = 0;
};

// `questions` dev questions of each task and open level, instant, and half as many thinking where the task
// has reasoning. The same questions at every call. Returns what is done so far if the program is interrupted.
// Errors of DocumentMaker.
Result<std::vector<EvalCell>> evaluate_dev(const DocumentMaker& maker, TrainableModel& model,
                                           const OpenLevels& open, int64_t questions, int64_t max_tokens);

// {"nll": {family: nats}, "accuracy": {task: {level: {kind: share}}}} for metrics.jsonl.
Json to_json(const std::vector<EvalCell>& cells, const std::vector<TrainingTask>& tasks);

}  // namespace melete
