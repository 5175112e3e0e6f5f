#include "train/curriculum.h"

#include <algorithm>

namespace melete {

std::string CurriculumConfig::problem() const {
  if (!(bar > 0 && bar <= 1)) return cat("bar must be above 0 and at most 1, got ", bar);
  if (window < 1) return cat("window must be at least 1, got ", window);
  if (patience_steps < 0) return cat("patience_steps must be 0 or more, got ", patience_steps);
  if (first_steps < 1) return cat("first_steps must be at least 1, got ", first_steps);
  if (!(top_share > 0 && top_share <= 1))
    return cat("top_share must be above 0 and at most 1, got ", top_share);
  return {};
}

Json to_json(const OpenLevels& open, const std::vector<TaskLevels>& tasks) {
  Json state = Json::object();
  for (size_t t = 0; t < tasks.size(); ++t) state[tasks[t].name] = open.at(t);
  return state;
}

Result<OpenLevels> open_levels_from(const Json& state, const std::vector<TaskLevels>& tasks) {
  OpenLevels open;
  for (const TaskLevels& task : tasks) {
    const auto found = state.find(task.name);
    if (found != state.end() && !found->is_number_integer())
      return corrupt("[checkpoint] the open level of ", task.name, " must be a number, got ", found->dump());
    open.push_back(found == state.end() ? 0
                                        : std::clamp<int32_t>(found->get<int32_t>(), -1, task.num_levels));
  }
  return open;
}

Curriculum::Curriculum(const CurriculumConfig& config, std::vector<TaskLevels> tasks)
    : config_(config), tasks_(std::move(tasks)), steps_at_level_(tasks_.size(), 0) {
  for (const TaskLevels& task : tasks_) {
    means_.emplace_back(static_cast<size_t>(task.num_levels));
    open_.push_back(config_.enabled ? -1 : task.num_levels);
  }
  if (!config_.enabled) return;
  bool any = false;
  for (size_t t = 0; t < tasks_.size(); ++t)
    if (tasks_[t].first) open_[t] = 0, any = true;
  if (!any) open_all();
}

bool Curriculum::only_first() const { return std::find(open_.begin(), open_.end(), -1) != open_.end(); }

void Curriculum::open_all() {
  for (size_t t = 0; t < tasks_.size(); ++t) open_[t] = std::max(open_[t], tasks_[t].start);
}

void Curriculum::observe(int32_t task, int32_t level, AnswerKind kind, bool right) {
  Mean& mean = means_.at(static_cast<size_t>(task)).at(static_cast<size_t>(level))[static_cast<size_t>(kind)];
  const double keep = 1.0 - 1.0 / static_cast<double>(config_.window);
  mean.hits = mean.hits * keep + (right ? 1 : 0);
  mean.weight = mean.weight * keep + 1;
}

bool Curriculum::mastered(int32_t task, int32_t level) const {
  for (const AnswerKind kind : {AnswerKind::instant, AnswerKind::thinking})
    if (support(task, level, kind) >= 0.5 * static_cast<double>(config_.window) &&
        accuracy(task, level, kind) >= config_.bar)
      return true;
  return false;
}

void Curriculum::end_step() {
  if (only_first()) {
    bool done = true;
    for (size_t t = 0; t < open_.size(); ++t)
      if (open_[t] == 0 && !mastered(static_cast<int32_t>(t), 0)) done = false;
    if (++first_steps_ >= config_.first_steps || done) open_all();
    return;
  }
  for (size_t t = 0; t < open_.size(); ++t) {
    if (open_[t] >= tasks_[t].num_levels) continue;
    ++steps_at_level_[t];
    const bool out_of_patience = config_.patience_steps > 0 && steps_at_level_[t] >= config_.patience_steps;
    if (!out_of_patience && !mastered(static_cast<int32_t>(t), open_[t])) continue;
    ++open_[t];
    steps_at_level_[t] = 0;
  }
}

double Curriculum::accuracy(int32_t task, int32_t level, AnswerKind kind) const {
  const Mean& mean =
      means_.at(static_cast<size_t>(task)).at(static_cast<size_t>(level))[static_cast<size_t>(kind)];
  return mean.weight > 0 ? mean.hits / mean.weight : 0;
}

double Curriculum::support(int32_t task, int32_t level, AnswerKind kind) const {
  return means_.at(static_cast<size_t>(task))
      .at(static_cast<size_t>(level))[static_cast<size_t>(kind)]
      .weight;
}

Json Curriculum::state() const {
  Json state = {{"first_steps", first_steps_}};
  for (size_t t = 0; t < tasks_.size(); ++t) {
    Json levels = Json::array();
    for (const Means& kinds : means_[t])
      for (const Mean& mean : kinds) levels.push_back({mean.hits, mean.weight});
    state[tasks_[t].name] = {{"open", open_[t]}, {"steps", steps_at_level_[t]}, {"means", std::move(levels)}};
  }
  return state;
}

Status Curriculum::load(const Json& state) {
  Curriculum loaded(config_, tasks_);
  try {
    if (const auto found = state.find("first_steps"); found != state.end())
      loaded.first_steps_ = found->get<int64_t>();
    for (size_t t = 0; t < tasks_.size(); ++t) {
      const auto found = state.find(tasks_[t].name);
      if (found == state.end()) continue;
      if (config_.enabled)
        loaded.open_[t] = std::clamp(found->at("open").get<int32_t>(), -1, tasks_[t].num_levels);
      loaded.steps_at_level_[t] = found->at("steps").get<int64_t>();
      const Json& pairs = found->at("means");
      const size_t known = std::min(pairs.size(), means_[t].size() * kNumAnswerKinds);
      for (size_t i = 0; i < known; ++i)
        loaded.means_[t][i / kNumAnswerKinds][i % kNumAnswerKinds] = {pairs[i].at(0).get<double>(),
                                                                      pairs[i].at(1).get<double>()};
    }
  } catch (const Json::exception& error) {
    return corrupt("[checkpoint curriculum] must hold open, steps and means of each task, got: ",
                   error.what());
  }
  if (config_.enabled && !loaded.only_first()) loaded.open_all();
  *this = std::move(loaded);
  return ok_status();
}

int32_t pick_level(const CurriculumConfig& config, int32_t open_level, int32_t num_levels, Random& random) {
  if (open_level >= num_levels) return static_cast<int32_t>(random.integer(0, num_levels - 1));
  if (open_level == 0 || random.chance(config.top_share)) return open_level;
  return static_cast<int32_t>(random.integer(0, open_level - 1));
}

}  // namespace melete
