#include "train/run.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

#include "base/build_info.h"
#include "base/config.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "text/special_tokens.h"
#include "train/muse_port.h"
#include "train/trainer.h"

namespace melete {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kCorpusPerLevel = 150;

// One trainer a folder, also across crashes: the kernel drops the lock with the process.
class FolderLock {
 public:
  static Result<FolderLock> take(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    const int fd = ::open((folder / ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
    if (fd < 0) return unavailable("[", folder.string(), "] must be a folder that can be written to");
    FolderLock lock(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
      return unavailable(
          "[", folder.string(),
          "] must not be in use, and another process trains there; stop it, or give run.name another value");
    return lock;
  }
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

std::string leaf_text(const ConfigValue& value) {
  return std::visit(
      [](const auto& v) -> std::string {
        if constexpr (std::is_pointer_v<std::decay_t<decltype(v)>>)
          return Json(*v).dump();
        else
          return {};
      },
      value);
}

void compare(const ConfigView& a, const ConfigView& b, const std::string& prefix,
             std::vector<std::string>& changed) {
  for (size_t i = 0; i < a.fields.size(); ++i) {
    const std::string name = prefix + a.fields[i].name;
    const auto* nested = std::get_if<std::vector<ConfigView>>(&a.fields[i].value);
    if (nested)
      compare(nested->front(), std::get<std::vector<ConfigView>>(b.fields[i].value).front(), name + ".",
              changed);
    else if (leaf_text(a.fields[i].value) != leaf_text(b.fields[i].value))
      changed.push_back(name);
  }
}

Result<std::string> tokenizer_text(const TrainConfig& config, const fs::path& folder) {
  const fs::path kept = folder / "tokenizer.json";
  if (fs::exists(kept)) return read_file(kept);
  std::string text;
  if (!config.run.tokenizer.empty()) {
    MELETE_ASSIGN_OR_RETURN(text, read_file(config.run.tokenizer));
  } else if (!config.run.init_from.empty()) {
    MELETE_ASSIGN_OR_RETURN(text, read_file(fs::path(config.run.init_from) / "tokenizer.json"));
  } else {
    log_info("training a tokenizer on the tasks' texts");
    MELETE_ASSIGN_OR_RETURN(text, train_tokenizer(tokenizer_corpus(kCorpusPerLevel, config.run.seed),
                                                  config.model.text.vocab_size));
  }
  MELETE_RETURN_IF_ERROR(write_file(kept, text));
  return text;
}

Result<int64_t> required_id(const Tokenizer& tokenizer, std::string_view spelling) {
  const auto id = tokenizer.special_id(spelling);
  if (!id)
    return invalid_argument("[run.tokenizer] must hold the special token ", spelling,
                            ", got none; train one with `melete tokenizer train`");
  return static_cast<int64_t>(*id);
}

Result<ModelConfig> model_config(const TrainConfig& config, const Tokenizer& tokenizer) {
  ModelConfig model = to_model_config(config.model);
  if (tokenizer.vocab_size() > model.text.vocab_size)
    return invalid_argument("[model.text.vocab_size] must be at least the tokenizer's ",
                            tokenizer.vocab_size(), ", got ", model.text.vocab_size);
  MELETE_ASSIGN_OR_RETURN(model.text.bos_token_id, required_id(tokenizer, kBeginOfText));
  MELETE_ASSIGN_OR_RETURN(const int64_t eot, required_id(tokenizer, kEot));
  MELETE_ASSIGN_OR_RETURN(const int64_t end, required_id(tokenizer, kEndOfText));
  model.text.eos_token_ids = {eot, end};
  MELETE_ASSIGN_OR_RETURN(model.image_token_id, required_id(tokenizer, kPatch));
  MELETE_ASSIGN_OR_RETURN(model.video_token_id, required_id(tokenizer, kVideo));
  MELETE_ASSIGN_OR_RETURN(model.audio_token_id, required_id(tokenizer, kAudio));
  if (const std::string problem = model.problem(); !problem.empty())
    return invalid_argument("[model] ", problem);
  return model;
}

Result<std::unique_ptr<MusePort>> make_model(const TrainConfig& config, const ModelConfig& shape) {
  TorchModel model(shape, config.run.seed);
  model.set_bf16(config.run.uses_bf16());
  if (config.run.init_from.empty()) return std::make_unique<MusePort>(std::move(model));
  MELETE_ASSIGN_OR_RETURN(const TorchModel start, TorchModel::load(config.run.init_from));
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < model.parameters().size(); ++i) {
    const auto& name = model.parameters()[i].spec.name;
    const bool fits = i < start.parameters().size() && start.parameters()[i].spec.name == name &&
                      start.parameters()[i].value.sizes() == model.parameters()[i].value.sizes();
    if (!fits)
      return invalid_argument("[run.init_from] must hold a model of the shape in [model], got another ",
                              name);
    model.parameters()[i].value.copy_(start.parameters()[i].value);
  }
  return std::make_unique<MusePort>(std::move(model));
}

// Threads work on different micro-batches; one that also split its operations would only disturb the others.
void single_threaded_operations() {
  torch::set_num_threads(1);
  using SetThreads = void (*)(int);
  if (const auto set = reinterpret_cast<SetThreads>(::dlsym(RTLD_DEFAULT, "openblas_set_num_threads")))
    set(1);
}

double peak_memory_gib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1024.0 * 1024.0);
}

Status write_report(const fs::path& folder, const TrainConfig& config, const Trainer& trainer) {
  std::vector<Json> lines;
  if (fs::exists(folder / "metrics.jsonl")) {
    MELETE_ASSIGN_OR_RETURN(lines, read_metrics(folder / "metrics.jsonl"));
  }
  return write_file(
      folder / "report.html",
      html_report("Training run " + config.run.name,
                  {{"step", fmt::format("{} of {}", trainer.step(), config.schedule.steps)},
                   {"commit", build_commit()},
                   {"seed", std::to_string(config.run.seed)},
                   {"tokens a second", fmt::format("{:.0f}", trainer.tokens_per_s())},
                   {"share of time waiting for data", fmt::format("{:.1f} %", 100 * trainer.wait_share())},
                   {"peak memory", fmt::format("{:.2f} GiB", peak_memory_gib())}},
                  lines));
}

Status prepare_folder(const fs::path& folder, const TrainConfig& config, const RunOptions& options) {
  const auto checkpoint = newest_checkpoint(folder / "checkpoints");
  if (options.resume) {
    if (!checkpoint)
      return not_found("[", folder.string(),
                       "] must hold a checkpoint to resume, got none; start without --resume");
    MELETE_ASSIGN_OR_RETURN(const Json state, load_state(*checkpoint));
    MELETE_ASSIGN_OR_RETURN(const TrainConfig before,
                            parse_config<TrainConfig>(state.value("config", ""), {}, checkpoint->string()));
    if (const std::string problem = resume_problem(before, config); !problem.empty())
      return invalid_argument("[--resume] ", problem);
    for (const std::string& name : changed_fields(before, config)) log_info("changed on resume: ", name);
  } else if (checkpoint && !options.replace) {
    return invalid_argument("[", folder.string(),
                            "] must hold no earlier run, got one; use --resume to go on, --replace to "
                            "delete it, or --set run.name=NAME");
  }
  std::error_code error;
  if (!options.resume)
    for (const char* name : {"checkpoints", "model", "metrics.jsonl", "tokenizer.json", "report.html"})
      fs::remove_all(folder / name, error);
  MELETE_RETURN_IF_ERROR(write_file(folder / "config.toml", to_toml(config)));
  const Json facts = {{"version", build_version()},
                      {"commit", build_commit()},
                      {"seed", config.run.seed},
                      {"threads", config.run.threads},
                      {"processors", std::thread::hardware_concurrency()}};
  return write_file(folder / "run.json", facts.dump(1) + "\n");
}

}  // namespace

std::vector<std::string> changed_fields(TrainConfig before, TrainConfig after) {
  std::vector<std::string> changed;
  compare(config_view(before), config_view(after), "", changed);
  return changed;
}

std::string resume_problem(const TrainConfig& before, const TrainConfig& after) {
  for (const std::string& name : changed_fields(before, after)) {
    const bool fixed = name.rfind("model.", 0) == 0 || name.rfind("media.", 0) == 0 || name == "run.seed" ||
                       name == "run.name" || name == "run.tokenizer" || name == "run.init_from" ||
                       name == "data.steps_per_group" || name == "data.lookahead";
    if (fixed)
      return cat(name,
                 " must stay as the run was started, got another value; start a new run instead "
                 "(run.init_from takes its weights)");
  }
  return {};
}

Status train_run(const TrainConfig& config, const RunOptions& options) {
  single_threaded_operations();
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
  const fs::path folder = options.runs_folder / config.run.name;
  MELETE_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::take(folder));
  MELETE_RETURN_IF_ERROR(prepare_folder(folder, config, options));
  MELETE_ASSIGN_OR_RETURN(const std::string tokenizer_json, tokenizer_text(config, folder));
  MELETE_ASSIGN_OR_RETURN(const auto tokenizer,
                          parse_tokenizer(tokenizer_json, (folder / "tokenizer.json").string()));
  MELETE_ASSIGN_OR_RETURN(const DocumentMaker maker,
                          DocumentMaker::create(config.mixture, config.curriculum, config.media, tokenizer));
  MELETE_ASSIGN_OR_RETURN(const ModelConfig shape, model_config(config, *tokenizer));
  MELETE_ASSIGN_OR_RETURN(const auto model, make_model(config, shape));
  int64_t parameters = 0;
  for (const TorchParameter& parameter : model->parameters()) parameters += parameter.value.numel();
  Trainer trainer(config, folder, maker, *model);
  log_info(fmt::format("{:.2f} M parameters, {} tasks, {} threads, folder {}",
                       static_cast<double>(parameters) * 1e-6, maker.tasks().size(), trainer.num_threads(),
                       folder.string()));
  MELETE_RETURN_IF_ERROR(options.resume ? trainer.start_from_checkpoint() : trainer.start_fresh());
  const auto publish = [&]() -> Status {
    MELETE_RETURN_IF_ERROR(export_model(folder / "model", shape, model->parameters(), tokenizer_json,
                                        config.media.limits(), trainer.step(), DataType::f32));
    return write_report(folder, config, trainer);
  };
  MELETE_RETURN_IF_ERROR(trainer.run(publish));
  if (!options.export_to.empty())
    MELETE_RETURN_IF_ERROR(export_model(options.export_to, shape, model->parameters(), tokenizer_json,
                                        config.media.limits(), trainer.step(), DataType::bf16));
  log_info(
      fmt::format("step {} of {}: {:.0f} tokens a second, {:.1f} % of the time waiting for data, peak memory "
                  "{:.2f} GiB; see {}",
                  trainer.step(), config.schedule.steps, trainer.tokens_per_s(), 100 * trainer.wait_share(),
                  peak_memory_gib(), (folder / "report.html").string()));
  if (!trainer.finished())
    return cancelled("[train] stopped at step ", trainer.step(), " with a checkpoint; go on with --resume");
  return ok_status();
}

}  // namespace melete
