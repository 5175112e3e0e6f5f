// `melete eval`: a model's accuracy on the built-in tasks, with intervals and baselines.
#include <iostream>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "cli/ask_command_options.h"
#include "cli/command.h"
#include "eval/report.h"

namespace melete {
namespace {

class EvalCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"eval",
            "measure a model on the built-in tasks",
            "Every question is of the test split, which no training run sees; decoding is greedy, so the "
            "same model gives "
            "the same table. Blind is the model without the picture, sound or table; majority always gives "
            "the most "
            "frequent answer. Intervals are Wilson's, 95 %. No question is asked twice: n is lower where a "
            "task has fewer.",
            {"eval models/melete-nano", "eval run/nano/model --tasks shapes:count,clock --samples 200"}};
  }

  void declare(CLI::App& app) override {
    app.add_option("model", model_, "model folder; the shipped melete-nano if not given");
    app.add_option("--tasks", tasks_, "tasks, or TASK:KIND for one sub-skill; all if not given")
        ->delimiter(',');
    app.add_option("--samples,-n", samples_, "questions of each task and level")
        ->check(CLI::Range(1, 100000))
        ->capture_default_str();
    app.add_option("--max-level", max_level_, "hardest level")
        ->check(CLI::Range(0, 100))
        ->capture_default_str();
    app.add_option("--modes", modes_, "instant, thinking or both")
        ->delimiter(',')
        ->check(CLI::IsMember({"instant", "thinking"}));
    app.add_option("--effort", effort_, "of thinking")
        ->check(CLI::IsMember({"low", "medium", "high", "xhigh"}))
        ->capture_default_str();
    app.add_option("--split", split_, "test, dev or hold_out")
        ->check(CLI::IsMember({"test", "dev", "hold_out"}))
        ->capture_default_str();
    app.add_option("--first-seed", first_seed_, "of the questions")->capture_default_str();
    app.add_option("--batch", batch_, "questions in flight")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    app.add_option("--threads", threads_, "threads; all cores if not given")->check(CLI::Range(1, 1024));
    app.add_option("--json", json_, "also write the table to this file as JSON");
    app.add_flag("--no-blind", no_blind_, "leave out the blind baseline");
    app.add_flag("--answers", show_answers_, "print every wrong answer on standard error");
  }

  Result<int> run() override {
    if (tasks_.empty()) tasks_ = Registry<Task>::instance().names();
    MELETE_ASSIGN_OR_RETURN(auto specs, parse_suites(tasks_, max_level_));
    MELETE_ASSIGN_OR_RETURN(const auto folder, find_model(model_));
    MELETE_ASSIGN_OR_RETURN(const auto assistant, Assistant::load(folder, threads_));
    for (SuiteSpec& spec : specs)
      spec.split = split_ == "dev" ? Split::dev : split_ == "hold_out" ? Split::hold_out : Split::test;
    catch_interrupts();
    std::vector<SuiteScore> scores;
    Progress progress("eval", static_cast<int64_t>(specs.size()) * answers_of_suite(), "answers");
    int64_t done = 0;
    Error left_out;
    for (const SuiteSpec& spec : specs) {
      auto score = measure(spec, *assistant, progress);
      progress.set(done += answers_of_suite());
      // A level may lack a kind, and a split a task: only if none has questions is that an error.
      if (!score.ok() && score.error().kind == ErrorKind::not_found && specs.size() > 1) {
        progress.note("left out: " + score.error().message);
        left_out = score.error();
        continue;
      }
      if (!score.ok()) return score.error();
      scores.push_back(*std::move(score));
      progress.note(to_markdown({scores.back()}).substr(header_bytes()));
    }
    if (scores.empty()) return left_out;
    std::cout << to_markdown(scores);
    if (!json_.empty()) MELETE_RETURN_IF_ERROR(write_file(json_, json_text(to_json(scores), 2) + "\n"));
    return 0;
  }

 private:
  int64_t answers_of_suite() const {
    return (static_cast<int64_t>(modes_.size()) + (no_blind_ ? 0 : 1)) * samples_;
  }
  static size_t header_bytes() { return to_markdown({}).size(); }

  Result<SuiteScore> measure(const SuiteSpec& spec, Assistant& assistant, Progress& progress) const {
    DrawPlan draw{samples_, first_seed_, [] { return interrupted(); }, {}};
    draw.on_draw = [&](int64_t num_items) {
      progress.set(0, cat("drawing ", spec.name(), " level ", spec.level, ": ", num_items));
    };
    MELETE_ASSIGN_OR_RETURN(const Suite suite, make_suite(spec, draw, assistant));
    progress.set(0, cat("asking ", spec.name(), " level ", spec.level));
    SuiteScore score;
    score.spec = spec;
    score.count = static_cast<int64_t>(suite.items.size());
    score.majority = suite.majority();
    score.has_context = suite.has_context;
    AskPlan plan;
    plan.effort = parse_effort(effort_).value_or(Effort::medium);
    plan.batch = batch_;
    plan.stop_requested = [] { return interrupted(); };
    plan.on_answer = [&] { progress.add(); };
    for (const std::string& mode : modes_) {
      plan.mode = mode;
      AskResult& result = mode == "thinking" ? score.thinking : score.instant;
      MELETE_ASSIGN_OR_RETURN(result, ask_suite(suite, plan, assistant));
      if (show_answers_) print_wrong(suite, result, mode);
    }
    if (no_blind_) return score;
    plan.mode = "instant";
    plan.blind = true;
    if (suite.has_context) {
      MELETE_ASSIGN_OR_RETURN(score.blind, ask_suite(suite, plan, assistant));
    } else {
      progress.add(score.count);
    }
    return score;
  }

  static void print_wrong(const Suite& suite, const AskResult& result, const std::string& mode) {
    for (size_t i = 0; i < suite.items.size(); ++i)
      if (result.scores[i] < 1)
        std::cerr << suite.spec.name() << " " << suite.spec.level << " " << mode << ": "
                  << suite.items[i].question.text << " -> " << result.answers[i] << " ("
                  << suite.items[i].question.gold << ")\n";
  }

  std::string model_, effort_ = "medium", split_ = "test", json_;
  std::vector<std::string> tasks_, modes_ = {"instant", "thinking"};
  int64_t samples_ = 500, batch_ = 32;
  int max_level_ = 100, threads_ = 0;
  uint64_t first_seed_ = 1000000;
  bool no_blind_ = false, show_answers_ = false;
};

MELETE_REGISTER_COMMAND(EvalCommand);

}  // namespace
}  // namespace melete
