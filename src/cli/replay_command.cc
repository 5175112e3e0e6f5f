// `melete replay`: runs answers again from their event logs and says whether every byte is equal.
#include <iostream>

#include "agent/replay.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "cli/account_command_options.h"
#include "cli/ask_command_options.h"
#include "cli/command.h"
#include "media/decode.h"

namespace melete {
namespace {

// Exit code of runs that came out differently.
constexpr int kDiffers = 1;

// A file that the questions are about: decoded before the model is loaded, for its processor then.
struct QuestionFile {
  Json entry;  // of the origin's "files"
  Part part;
};

class ReplayCommand : public Command {
 public:
  CommandInfo info() const override {
    return {
        "replay",
        "run answers again from an event log and compare every byte",
        "The log is one of --events, or of a response or an answer in the app that a server keeps (then give "
        "its id). The model and the files of the question must be as they were; that is checked. Exits with "
        "0 if all runs come out equal, with 1 if one doesn't.",
        {"replay run.jsonl", "replay resp_0123456789abcdef0123456789abcdef"}};
  }

  void declare(CLI::App& app) override {
    app.add_option("log", log_, "an event log's file, or the id of what is kept")->required();
    app.add_option("--model,-m", model_, "the model, if it isn't any more where it was");
    app.add_option("--threads", threads_, "threads; all cores if not given")->check(CLI::Range(1, 1024));
    app.add_option("--user", user_, "whose it is, if it is kept")->capture_default_str();
    data_.declare(app);
  }

  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const std::string text, read_log());
    MELETE_ASSIGN_OR_RETURN(const std::vector<Event> log, parse_events(text, log_));
    const auto runs = runs_of(log);
    if (runs.empty())
      return corrupt("[", log_, "] must hold a run that has ended, got none; give a log of --events");
    MELETE_ASSIGN_OR_RETURN(const std::filesystem::path model, check_model(runs));
    MELETE_ASSIGN_OR_RETURN(const std::vector<QuestionFile> files, read_files(runs));
    MELETE_ASSIGN_OR_RETURN(const auto assistant, Assistant::load(model, threads_));
    MELETE_ASSIGN_OR_RETURN(const MediaByHash media, preprocess_files(files, assistant->chat().limits()));
    catch_interrupts();
    bool equal = true;
    Json lines = Json::array();
    for (const auto& run : runs) {
      MELETE_ASSIGN_OR_RETURN(const ReplayReport report, replay_run(run, media, *assistant));
      equal = equal && report.equal;
      lines.push_back(to_json(report));
      if (!data_.json) std::cout << line_of(report) << "\n" << std::flush;
    }
    if (data_.json) std::cout << lines.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    return equal ? 0 : kDiffers;
  }

 private:
  // A file of that name, else what the store has of that id.
  Result<std::string> read_log() {
    std::error_code error;
    const bool is_id = log_.starts_with("resp_") || log_.starts_with("ans_");
    if (!is_id || std::filesystem::exists(log_, error)) return read_file(log_);
    MELETE_ASSIGN_OR_RETURN(store_, data_.open());
    MELETE_ASSIGN_OR_RETURN(const User user, Accounts(store_->database()).find(user_));
    owner_ = user.id;
    return store_->event_logs().read_text(owner_, log_);
  }

  // Where the model of all runs lies, if it is the one that answered.
  Result<std::filesystem::path> check_model(const std::vector<std::vector<Event>>& runs) const {
    MELETE_ASSIGN_OR_RETURN(const Json origin, origin_of(runs.front()));
    const Json& logged = origin.value("model", Json::object());
    const std::string given = model_.empty() ? logged.value("path", "") : model_;
    MELETE_ASSIGN_OR_RETURN(const std::filesystem::path model, find_model(given));
    MELETE_ASSIGN_OR_RETURN(const std::string identity, model_identity(model));
    for (const auto& run : runs) {
      MELETE_ASSIGN_OR_RETURN(const Json other, origin_of(run));
      const std::string wanted = other.value("model", Json::object()).value("identity", "");
      if (wanted != identity)
        return invalid_argument("[--model] must be the model that answered, whose files have the hash ",
                                wanted, ", got ", model.string(), " with ", identity,
                                "; name the right one, or run the question again");
    }
    return model;
  }

  Result<std::vector<QuestionFile>> read_files(const std::vector<std::vector<Event>>& runs) {
    Json entries = Json::array();
    for (const auto& run : runs) {
      MELETE_ASSIGN_OR_RETURN(const Json origin, origin_of(run));
      for (const Json& entry : origin.value("files", Json::array()))
        if (std::find(entries.begin(), entries.end(), entry) == entries.end()) entries.push_back(entry);
    }
    std::vector<QuestionFile> files;
    for (const Json& entry : entries) {
      std::string bytes;
      if (store_ && entry.contains("file_id")) {
        MELETE_ASSIGN_OR_RETURN(bytes, store_->files(owner_).read(entry.value("file_id", "")));
      } else {
        MELETE_ASSIGN_OR_RETURN(bytes, read_file(entry.value("path", "")));
      }
      MELETE_ASSIGN_OR_RETURN(Part part,
                              decode_media(bytes, entry.value("path", entry.value("file_id", ""))));
      files.push_back({entry, std::move(part)});
    }
    return files;
  }

  static Result<MediaByHash> preprocess_files(const std::vector<QuestionFile>& files,
                                              const MediaLimits& limits) {
    MediaByHash media;
    for (const QuestionFile& file : files)
      MELETE_RETURN_IF_ERROR(add_medium(file.entry, file.part, limits, media));
    return media;
  }

  static Result<ReplayReport> replay_run(const std::vector<Event>& run, const MediaByHash& media,
                                         Assistant& assistant) {
    const auto again = [&](const std::string& mode, const Request& request,
                           EventSink& sink) -> Result<Answer> {
      Request stoppable = request;
      stoppable.stop_requested = [&request] { return interrupted() || request.stop_requested(); };
      EventLog log({&sink});
      Services services = assistant.services();
      MELETE_ASSIGN_OR_RETURN(Answer answer, run_mode(mode, stoppable, services, log));
      if (interrupted()) return cancelled("[replay] must not be stopped, got Ctrl-C; start it again");
      return answer;
    };
    return replay(run, media, assistant.chat(), again);
  }

  static std::string line_of(const ReplayReport& report) {
    const std::string of = cat(report.mode, ", seed ", report.seed);
    if (!report.equal) return cat("different (", of, "): ", report.difference);
    const std::string up_to = report.cut.empty() ? "" : cat(", as far as it went before its ", report.cut);
    return cat("equal (", of, "): ", report.bytes, " bytes", up_to);
  }

  std::string log_, model_, user_ = "local";
  int threads_ = 0;
  DataOptions data_;
  std::unique_ptr<Store> store_;
  OwnerId owner_ = 0;
};

MELETE_REGISTER_COMMAND(ReplayCommand);

}  // namespace
}  // namespace melete
