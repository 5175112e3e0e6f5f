#include "train/trainer.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "base/build_info.h"
#include "base/config.h"
#include "base/interrupt.h"
#include "train/evaluate.h"
#include "train/gradients.h"

namespace melete {
namespace {

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Trainer::Trainer(const TrainConfig& config, std::filesystem::path folder, const DocumentMaker& maker,
                 TrainableModel& model)
    : config_(config),
      folder_(std::move(folder)),
      maker_(maker),
      model_(model),
      pool_(static_cast<int>(config.run.threads)),
      optimizer_(config.optimizer, model.parameters(), config.run.uses_bf16()),
      schedule_(config.schedule),
      curriculum_(config.curriculum, maker.levels()) {}

void Trainer::open_stream(std::map<int64_t, OpenLevels> snapshots) {
  stream_ = std::make_unique<DataStream>(maker_, config_.data, config_.run.seed, step_, std::move(snapshots));
  window_ = {};
  window_.nll.assign(kFamilies.size(), 0);
  window_.targets.assign(kFamilies.size(), 0);
}

Status Trainer::start_fresh() {
  MELETE_ASSIGN_OR_RETURN(metrics_, MetricsFile::open(folder_ / "metrics.jsonl", 0));
  open_stream({{0, curriculum_.open_levels()}});
  return ok_status();
}

Status Trainer::start_from_checkpoint() {
  const auto checkpoint = newest_checkpoint(folder_ / "checkpoints");
  if (!checkpoint)
    return not_found("[", folder_.string(), "] must hold a checkpoint, got none; start without --resume");
  MELETE_ASSIGN_OR_RETURN(const Json state, load_state(*checkpoint));
  std::map<int64_t, OpenLevels> snapshots;
  try {
    step_ = state.at("step").get<int64_t>();
    tokens_ = state.at("tokens").get<int64_t>();
    bad_steps_ = state.at("bad_steps").get<int64_t>();
    optimizer_.set_num_updates(state.at("updates").get<int64_t>());
    for (const auto& [group, open] : state.at("snapshots").items()) {
      MELETE_ASSIGN_OR_RETURN(snapshots[std::stoll(group)], open_levels_from(open, curriculum_.tasks()));
    }
    MELETE_ASSIGN_OR_RETURN(const Schedule before, Schedule::from_json(state.at("schedule")));
    schedule_ = before.resumed(config_.schedule, step_);
    MELETE_RETURN_IF_ERROR(curriculum_.load(state.at("curriculum")));
    MELETE_ASSIGN_OR_RETURN(
        metrics_, MetricsFile::open(folder_ / "metrics.jsonl", state.at("metrics_bytes").get<uint64_t>()));
  } catch (const Json::exception& error) {
    return corrupt("[", (*checkpoint / "state.json").string(),
                   "] must hold a run's state, got: ", error.what());
  }
  const int64_t group = step_ / config_.data.steps_per_group;
  if (!snapshots.count(group) || !snapshots.count(std::max<int64_t>(0, group - config_.data.lookahead)))
    return corrupt("[", (*checkpoint / "state.json").string(), "] must hold the curriculum of the last ",
                   config_.data.lookahead,
                   " groups; resume with the run's own data.steps_per_group and data.lookahead");
  MELETE_RETURN_IF_ERROR(load_tensors(*checkpoint, tensors()));
  open_stream(std::move(snapshots));
  return ok_status();
}

NamedTensors Trainer::tensors() const {
  NamedTensors all = optimizer_.state();
  for (const TorchParameter& parameter : model_.parameters())
    all.emplace_back(parameter.spec.name, parameter.value);
  return all;
}

Status Trainer::save() {
  Json snapshots = Json::object();
  for (const auto& [group, open] : stream_->snapshots())
    snapshots[std::to_string(group)] = to_json(open, curriculum_.tasks());
  const Json state = {{"step", step_},
                      {"tokens", tokens_},
                      {"bad_steps", bad_steps_},
                      {"updates", optimizer_.num_updates()},
                      {"metrics_bytes", metrics_->bytes()},
                      {"commit", build_commit()},
                      {"schedule", schedule_.to_json()},
                      {"snapshots", std::move(snapshots)},
                      {"curriculum", curriculum_.state()},
                      {"config", to_toml(config_)}};
  return save_run_checkpoint(folder_ / "checkpoints", step_, tensors(), state);
}

void Trainer::observe(const Batch& batch, const BatchLoss& rows) {
  for (const BatchSpan& document : batch.documents) {
    const auto f = static_cast<size_t>(document.family);
    for (int64_t r = document.begin; r < document.end; ++r)
      window_.nll[f] += rows.nll_R[static_cast<size_t>(r)];
    window_.targets[f] += static_cast<double>(document.end - document.begin);
  }
  for (const BatchSpan& answer : batch.answers) {
    bool right = true;
    for (int64_t r = answer.begin; r < answer.end; ++r)
      right = right && rows.hit_R[static_cast<size_t>(r)] != 0;
    answers_.emplace_back(answer, right);
  }
}

Status Trainer::train_step() {
  const double start = now_s(), waited = stream_->waited_s();
  MELETE_ASSIGN_OR_RETURN(const StepBatches batches, stream_->next());
  answers_.clear();
  const std::vector<BatchLoss> losses = sum_gradients(model_, batches, pool_);
  double loss = 0, weight = 0;
  int64_t tokens = 0;
  for (size_t i = 0; i < batches.size(); ++i) {
    const Batch& batch = batches[i];
    observe(batch, losses[i]);
    loss += losses[i].loss.item<double>();
    for (const float w : batch.weights_R) weight += w;
    tokens += batch.num_tokens();
  }
  const StepReport report = optimizer_.step(schedule_.factor(step_), pool_);
  bad_steps_ = report.skipped ? bad_steps_ + 1 : 0;
  if (bad_steps_ >= config_.optimizer.max_bad_steps)
    return exhausted("[training step ", step_, "] gradients must be finite, got ", bad_steps_,
                     " steps in a row that weren't; lower optimizer.muon_rate or adam_rate and resume");
  if (!report.skipped) {
    model_.after_step();
    for (const auto& [answer, right] : answers_)
      curriculum_.observe(answer.task, answer.level, answer.kind, right);
    window_.loss += loss;
    window_.weight += weight;
    window_.gradient_norm += report.gradient_norm;
    last_loss_ = weight > 0 ? loss / weight : 0;
  }
  ++step_;
  curriculum_.end_step();
  if (step_ % config_.data.steps_per_group == 0)
    stream_->publish(step_ / config_.data.steps_per_group, curriculum_.open_levels());
  ++window_.steps;
  window_.skipped += report.skipped;
  window_.tokens += tokens;
  tokens_ += tokens;
  tokens_here_ += tokens;
  window_.seconds += now_s() - start;
  window_.waited_s += stream_->waited_s() - waited;
  train_s_ += now_s() - start;
  return ok_status();
}

Status Trainer::write_metrics() {
  Json nll = Json::object(), accuracy = Json::object();
  for (size_t f = 0; f < kFamilies.size(); ++f)
    if (window_.targets[f] > 0) nll[kFamilies[f]] = window_.nll[f] / window_.targets[f];
  for (size_t t = 0; t < curriculum_.tasks().size(); ++t) {
    const TaskLevels& task = curriculum_.tasks()[t];
    for (int32_t level = 0; level < task.num_levels; ++level)
      for (const AnswerKind kind : {AnswerKind::instant, AnswerKind::thinking, AnswerKind::transcript})
        if (curriculum_.support(static_cast<int32_t>(t), level, kind) >= 8)
          accuracy[task.name][std::to_string(level)][name_of(kind)] =
              curriculum_.accuracy(static_cast<int32_t>(t), level, kind);
  }
  const double updates = static_cast<double>(std::max<int64_t>(1, window_.steps - window_.skipped));
  const Json line = {{"kind", "train"},
                     {"step", step_},
                     {"loss", window_.weight > 0 ? window_.loss / window_.weight : 0.0},
                     {"rate", schedule_.factor(step_ - 1)},
                     {"gradient_norm", window_.gradient_norm / updates},
                     {"tokens", tokens_},
                     {"tokens_per_s", static_cast<double>(window_.tokens) / window_.seconds},
                     {"wait_share", window_.waited_s / window_.seconds},
                     {"skipped", window_.skipped},
                     {"open", to_json(curriculum_.open_levels(), curriculum_.tasks())},
                     {"nll", nll},
                     {"accuracy", accuracy}};
  window_ = {};
  window_.nll.assign(kFamilies.size(), 0);
  window_.targets.assign(kFamilies.size(), 0);
  return metrics_->add(line);
}

Status Trainer::evaluate(Progress& progress) {
  const double start = now_s();
  MELETE_ASSIGN_OR_RETURN(const auto cells,
                          evaluate_dev(maker_, model_, curriculum_.open_levels(),
                                       config_.eval.questions_per_level, config_.data.micro_batch_tokens()));
  if (interrupted()) return ok_status();
  Json line = {{"kind", "dev"}, {"step", step_}};
  line.update(to_json(cells, maker_.tasks()));
  int64_t right = 0, asked = 0;
  for (const EvalCell& cell : cells) right += cell.right, asked += cell.asked;
  progress.note(
      fmt::format("step {}: dev {} of {} answers right ({:.0f} s)", step_, right, asked, now_s() - start));
  return metrics_->add(line);
}

Status Trainer::run(const std::function<Status()>& on_checkpoint, int64_t until) {
  const int64_t steps = schedule_.config().steps;
  Progress progress("training", steps, "steps", step_);
  double saved_at = now_s();
  while (step_ < std::min(steps, until) && !interrupted()) {
    MELETE_RETURN_IF_ERROR(train_step());
    progress.set(step_, fmt::format("loss {:.3f}  {:.0f} tok/s  waits {:.1f} %", last_loss_, tokens_per_s(),
                                    100 * wait_share()));
    if (step_ % config_.run.log_steps == 0) MELETE_RETURN_IF_ERROR(write_metrics());
    const bool last = step_ == steps, evaluates = config_.eval.every_steps > 0;
    if (evaluates && (last || step_ % config_.eval.every_steps == 0))
      MELETE_RETURN_IF_ERROR(evaluate(progress));
    if (last || interrupted() || now_s() - saved_at < 60 * config_.run.checkpoint_minutes) continue;
    MELETE_RETURN_IF_ERROR(save());
    MELETE_RETURN_IF_ERROR(on_checkpoint());
    saved_at = now_s();
  }
  MELETE_RETURN_IF_ERROR(save());
  return on_checkpoint();
}

}  // namespace melete
