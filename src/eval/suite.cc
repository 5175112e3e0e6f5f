#include "eval/suite.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace melete {
namespace {

constexpr int64_t kDrawsWithoutNew = 20000;  // one episode in 100 is of the test split
constexpr int kQuestionsForKind = 8;         // asked of an episode where one kind is wanted

// The index of the wanted question, or -1.
int find_question(const Episode& episode, const std::string& kind) {
  if (kind.empty()) return episode.questions.empty() ? -1 : 0;
  for (size_t i = 0; i < episode.questions.size(); ++i)
    if (episode.questions[i].kind == kind) return static_cast<int>(i);
  return -1;
}

}  // namespace

double Suite::majority() const {
  std::map<std::string, std::map<std::string, int64_t>> golds;
  for (const SuiteItem& item : items) ++golds[item.question.kind][item.question.gold];
  int64_t hits = 0;
  for (const auto& [kind, counts] : golds) {
    int64_t most = 0;
    for (const auto& [gold, count] : counts) most = std::max(most, count);
    hits += most;
  }
  return items.empty() ? 0 : static_cast<double>(hits) / static_cast<double>(items.size());
}

Result<std::vector<SuiteSpec>> parse_suites(const std::vector<std::string>& names, int max_level) {
  std::vector<SuiteSpec> specs;
  for (const std::string& name : names) {
    SuiteSpec spec;
    spec.task = name.substr(0, name.find(':'));
    if (name.find(':') != std::string::npos) spec.kind = name.substr(name.find(':') + 1);
    const auto task = Registry<Task>::instance().make(spec.task);
    if (!task) return not_found("[--tasks] must name tasks, got ", spec.task, "; see `melete task list`");
    for (spec.level = 0; spec.level < std::min(task->info().num_levels, max_level + 1); ++spec.level)
      specs.push_back(spec);
  }
  return specs;
}

Result<Suite> make_suite(const SuiteSpec& spec, const DrawPlan& plan, const Assistant& assistant) {
  Suite suite;
  suite.spec = spec;
  suite.task = Registry<Task>::instance().make(spec.task);
  if (!suite.task)
    return not_found("[task] must be one of `melete task list`, got ", spec.task, "; choose one");
  if (const std::string problem = suite.task->problem(); !problem.empty())
    return unavailable("[task ", spec.task, "] ", problem);
  if (spec.level < 0 || spec.level >= suite.task->info().num_levels)
    return invalid_argument("[", spec.name(), "] level must be below ", suite.task->info().num_levels,
                            ", got ", spec.level, "; see `melete task list`");
  const int asked = spec.kind.empty() ? 1 : kQuestionsForKind;
  std::set<std::pair<uint64_t, std::string>> seen;
  int64_t draws_without_new = 0;
  for (uint64_t seed = plan.first_seed; static_cast<int64_t>(suite.items.size()) < plan.count; ++seed) {
    if (plan.stop_requested()) return cancelled("[eval] must run to its end, got a stop; run it again");
    plan.on_draw(static_cast<int64_t>(suite.items.size()));
    if (draws_without_new++ == kDrawsWithoutNew) break;
    if (suite.task->split_at(seed, spec.level) != spec.split) continue;
    const Episode episode = suite.task->make(seed, spec.level, asked);
    const int index = find_question(episode, spec.kind);
    if (index < 0) continue;
    SuiteItem item;
    item.question = episode.questions[static_cast<size_t>(index)];
    if (!seen.emplace(episode.spec_hash, item.question.text).second) continue;
    MELETE_ASSIGN_OR_RETURN(item.message, assistant.chat().user_message(episode.context, item.question.text));
    MELETE_ASSIGN_OR_RETURN(item.blind_message, assistant.chat().user_message({}, item.question.text));
    suite.has_context = suite.has_context || !episode.context.empty();
    suite.items.push_back(std::move(item));
    draws_without_new = 0;
  }
  if (static_cast<int64_t>(suite.items.size()) < std::min(plan.count, kFewestItems))
    return not_found("[", spec.name(), "] level ", spec.level, " must have at least ",
                     std::min(plan.count, kFewestItems), " different questions of the split, got ",
                     suite.items.size(), " in many draws; check the kind and the split");
  return suite;
}

}  // namespace melete
