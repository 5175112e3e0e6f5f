// `melete ask`: one question, with files, in any mode.
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>
#include <sstream>

#include "agent/run_record.h"
#include "agent/terminal_view.h"
#include "base/interrupt.h"
#include "cli/ask_command_keys.h"
#include "cli/ask_command_run.h"
#include "cli/command.h"

namespace melete {
namespace {

// The whole of standard input.
Result<std::string> read_question(bool asked_for) {
  if (!asked_for && ::isatty(STDIN_FILENO) == 1)
    return invalid_argument("[ask] a question must be given, got none; write it in quotes after the options");
  std::ostringstream text;
  text << std::cin.rdbuf();
  std::string question = text.str();
  while (!question.empty() && (question.back() == '\n' || question.back() == '\r')) question.pop_back();
  if (question.empty())
    return invalid_argument(
        "[ask] standard input must hold a question, got nothing; write one there or as an argument");
  return question;
}

class AskCommand : public Command {
 public:
  CommandInfo info() const override {
    return {
        "ask",
        "answer one question about text, pictures, sounds, clips and tables",
        "The answer goes to standard output, reasoning and meters to standard error. Without a question it "
        "is read "
        "from standard input.",
        {"ask --image examples/shapes.png \"How many red shapes are there?\"",
         "ask --file examples/digits.wav --mode thinking \"Which digits were said?\"",
         "ask --file examples/prices.csv --mode contemplating --agents 4 \"What is the price of the "
         "cheese?\"",
         "ask --tools examples/tools.json --tool-choice required --json \"What is the weather in Oslo?\""}};
  }

  void declare(CLI::App& app) override {
    app.add_option("question", question_, "the question; standard input if not given or -");
    app.add_option("--image,--audio,--video,--file,-f", files_,
                   "a picture, sound, clip, CSV, TSV, JSON or text file; can be given again")
        ->take_all()
        ->allow_extra_args(false);
    options_.declare(app);
    options_.declare_tools(app);
  }

  Result<int> run() override { return run_ask(options_, question_, files_); }

 private:
  AskOptions options_;
  std::string question_;
  std::vector<std::string> files_;
};

MELETE_REGISTER_COMMAND(AskCommand);

}  // namespace

Result<int> run_ask(const AskOptions& options, std::string question, const std::vector<std::string>& paths) {
  if (question.empty() || question == "-") {
    MELETE_ASSIGN_OR_RETURN(question, read_question(question == "-"));
  }
  MELETE_ASSIGN_OR_RETURN(Request request, options.request());
  // Files first: decoding forks, which is cheapest before the weights are in memory and threads run.
  MELETE_ASSIGN_OR_RETURN(const std::vector<Part> files, read_attachments(paths));
  MELETE_ASSIGN_OR_RETURN(const auto assistant, options.load_assistant());
  options.choose_sampling(*assistant, request);
  if (!options.quiet && !assistant->chat().holds_conversations()) std::cerr << kContinuesText;
  MELETE_ASSIGN_OR_RETURN(Message message, assistant->chat().user_message(files, question));
  request.conversation.messages.push_back(std::move(message));
  MELETE_RETURN_IF_ERROR(options.add_grammar(*assistant, request));
  catch_interrupts();

  TerminalView view(stdout, stderr, TerminalView::detect(options.quiet));
  std::vector<EventSink*> sinks;
  if (!options.json) sinks.push_back(&view);
  std::unique_ptr<EventFile> file;
  if (!options.events.empty()) {
    MELETE_ASSIGN_OR_RETURN(file, EventFile::create(options.events));
    sinks.push_back(file.get());
  }
  EventLog log(sinks);
  if (file) {
    MELETE_ASSIGN_OR_RETURN(Json origin, options.run_origin(paths));
    MELETE_ASSIGN_OR_RETURN(const auto held_to, options.held_to(request));
    log.put(-1, "run.request", 0, run_record(request, held_to, std::move(origin)));
  }
  SteeringKeys keys(options.shows_agents());
  if (keys.is_on()) std::cerr << kSteeringKeys << "\n";
  request.steers = [&keys] { return keys.wishes(); };
  Services services = assistant->services();
  MELETE_ASSIGN_OR_RETURN(const Answer answer, run_mode(options.mode, request, services, log));
  if (options.json) std::cout << json_text(to_json(answer, options.mode, request.seed), 2) << "\n";
  MELETE_RETURN_IF_ERROR(options.keep_prompts(*assistant));
  if (file && !file->ok())
    return unavailable("[", options.events,
                       "] the event log must be possible to write, got an error; check the disk's room");
  return answer.finish == "cancelled" ? exit_code(ErrorKind::cancelled) : 0;
}

}  // namespace melete
