// `melete task list|show`: the tasks that models are trained and tested on (task/task.h).
#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "cli/command.h"
#include "media/encode.h"
#include "task/task.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

const char* name_of(Split split) {
  switch (split) {
    case Split::train: return "train";
    case Split::dev: return "dev";
    case Split::test: return "test";
    case Split::hold_out: return "hold-out";
  }
  return "";
}

const char* name_of(Mark::Kind kind) {
  switch (kind) {
    case Mark::Kind::point: return "point";
    case Mark::Kind::box: return "box";
    case Mark::Kind::track: return "track";
    case Mark::Kind::span: return "span";
  }
  return "";
}

class TaskListCommand : public Command {
 public:
  CommandInfo info() const override {
    return {.name = "task list",
            .summary = "list the tasks with their families and levels",
            .description = "One line a task; --levels adds what each level holds.",
            .examples = {"task list", "task list --levels"}};
  }

  void declare(CLI::App& app) override { app.add_flag("--levels", with_levels_, "a line for every level"); }

  Result<int> run() override {
    auto& registry = Registry<Task>::instance();
    for (const std::string& name : registry.names()) {
      const TaskInfo facts = registry.make(name)->info();
      std::printf("%-20s %-7s levels 0-%d  %s\n", name.c_str(), facts.family.c_str(), facts.num_levels - 1,
                  facts.summary.c_str());
      for (size_t level = 0; with_levels_ && level < facts.level_names.size(); ++level)
        std::printf("  %zu  %s\n", level, facts.level_names[level].c_str());
    }
    return 0;
  }

 private:
  bool with_levels_ = false;
};

MELETE_REGISTER_COMMAND(TaskListCommand);

class TaskShowCommand : public Command {
 public:
  CommandInfo info() const override {
    return {.name = "task show",
            .summary = "print an example of a task and write its picture, clip or sound",
            .description =
                "Prints every question with its reference traces (terse, full, full with a check), the gold "
                "answer and the places that the traces point at, in thousandths. The same seed and level "
                "always give the same example.",
            .examples = {"task show shapes --seed 7 --level 3", "task show clock --out examples"}};
  }

  void declare(CLI::App& app) override {
    app.add_option("name", name_, "a task's name, as `task list` shows it")->required();
    app.add_option("--seed", seed_, "which example")->capture_default_str();
    app.add_option("--level", level_, "its level, 0 is the easiest")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("--questions", num_questions_, "how many questions to ask")
        ->check(CLI::Range(1, 16))
        ->capture_default_str();
    app.add_option("--out", out_, "the folder for the picture, clip or sound")->capture_default_str();
  }

  Result<int> run() override {
    const auto task = Registry<Task>::instance().make(name_);
    if (!task)
      return not_found("[task] a task's name must be known, got ", name_, "; `melete task list` shows all");
    const int num_levels = task->info().num_levels;
    if (level_ >= num_levels)
      return invalid_argument("[task] --level of ", name_, " must be below ", num_levels, ", got ", level_);
    if (const std::string problem = task->problem(); !problem.empty()) return unavailable(problem);
    const Episode episode = task->make(seed_, level_, num_questions_);
    std::printf("%s level %d seed %llu: %s split%s%s\n", name_.c_str(), level_,
                static_cast<unsigned long long>(seed_), name_of(split_of(episode)),
                episode.hold_out.empty() ? "" : ", held out for ", episode.hold_out.c_str());
    for (size_t i = 0; i < episode.context.size(); ++i) MELETE_RETURN_IF_ERROR(show(episode.context[i], i));
    if (!episode.transcript.empty()) std::printf("transcript:\n%s\n", episode.transcript.c_str());
    for (const Question& question : episode.questions) show(question);
    return 0;
  }

 private:
  // Prints text; writes any other part and prints its path.
  Status show(const Part& part, size_t index) const {
    if (const auto* text = std::get_if<std::string>(&part)) {
      std::printf("%s\n", text->c_str());
      return ok_status();
    }
    const std::string stem = cat(name_, "-", level_, "-", seed_, index ? cat("-", index) : "");
    if (const auto* image = std::get_if<Image>(&part)) return write(encode_png(*image), stem + ".png");
    if (const auto* audio = std::get_if<Audio>(&part)) return write(encode_wav(*audio), stem + ".wav");
    return write(encode_mp4(std::get<Video>(part)), stem + ".mp4");
  }

  Status write(const Result<std::string>& bytes, const std::string& name) const {
    if (!bytes.ok()) return bytes.error();
    const fs::path path = fs::path(out_) / name;
    MELETE_RETURN_IF_ERROR(write_file(path, *bytes));
    std::printf("wrote %s\n", path.string().c_str());
    return ok_status();
  }

  static void show(const Question& question) {
    std::printf("\n[%s] %s\n", question.kind.c_str(), question.text.c_str());
    constexpr std::array<const char*, 4> kNames = {"none", "terse", "full", "check"};
    for (size_t i = 1; i < question.traces.size(); ++i)
      if (!question.traces[i].empty()) std::printf("  %-5s %s\n", kNames[i], question.traces[i].c_str());
    for (const Mark& mark : question.marks)
      std::printf("  mark  %s %s %d %d %d %d\n", name_of(mark.kind), mark.label.c_str(), mark.at[0],
                  mark.at[1], mark.at[2], mark.at[3]);
    std::printf("  gold  %s\n", question.gold.c_str());
  }

  std::string name_, out_ = ".";
  uint64_t seed_ = 1;
  int level_ = 0, num_questions_ = 4;
};

MELETE_REGISTER_COMMAND(TaskShowCommand);

}  // namespace
}  // namespace melete
