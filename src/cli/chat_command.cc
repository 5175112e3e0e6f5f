// `melete chat`: a conversation in the terminal, with files.
#include <signal.h>
#include <unistd.h>

#include <iostream>

#include "agent/run_record.h"
#include "agent/terminal_view.h"
#include "base/interrupt.h"
#include "cli/ask_command_keys.h"
#include "cli/ask_command_run.h"
#include "cli/command.h"
#include "media/decode.h"

namespace melete {
namespace {

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// A path as people type or drop it into a terminal: as it is, in quotes, or with spaces after backslashes.
std::string typed_path(const std::string& text) {
  std::error_code error;
  if (text.size() < 2 || std::filesystem::exists(text, error)) return text;
  if ((text.front() == '"' || text.front() == '\'') && text.back() == text.front())
    return text.substr(1, text.size() - 2);
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\\' || i + 1 == text.size())
      plain += text[i];
    else
      plain += text[++i];
  return std::filesystem::exists(plain, error) ? plain : text;
}

constexpr const char* kHelp =
    "/image PATH, /file PATH  show a picture, sound, clip or table with the next question\n"
    "/mode NAME               instant, thinking or contemplating\n"
    "/effort LEVEL            low, medium, high or xhigh\n"
    "/new                     forget the conversation\n"
    "/help, /quit\n";

// One chat: its options, which commands change, and the files of the next question.
class ChatRun {
 public:
  explicit ChatRun(AskOptions options) : options_(std::move(options)) {}

  Result<int> run(const std::vector<std::string>& paths) {
    MELETE_ASSIGN_OR_RETURN(Request request, options_.request());
    MELETE_ASSIGN_OR_RETURN(attachments_, read_attachments(paths));
    MELETE_ASSIGN_OR_RETURN(const auto assistant, options_.load_assistant());
    MELETE_RETURN_IF_ERROR(options_.add_grammar(*assistant, request));
    options_.choose_sampling(*assistant, request);
    if (!options_.quiet && !assistant->chat().holds_conversations()) std::cerr << kContinuesText;
    if (!options_.events.empty()) {
      MELETE_ASSIGN_OR_RETURN(event_file_, EventFile::create(options_.events));
      MELETE_ASSIGN_OR_RETURN(origin_, options_.run_origin(paths));
    }
    const bool talks = ::isatty(STDIN_FILENO) == 1;
    if (talks) std::cerr << "melete chat, " << options_.mode << "; /help lists the commands, Ctrl-D ends\n";
    std::string line;
    while (read_line(talks, line)) {
      if (line.empty()) continue;
      if (line == "/quit" || line == "/exit") break;
      const Status status = line[0] == '/' ? obey(line, request) : answer(line, request, *assistant);
      if (!status.ok()) {
        if (!talks) return status.error();  // a script must not go on as if nothing had happened
        std::cerr << status.error().message << "\n";
      }
      if (interrupted()) return exit_code(ErrorKind::cancelled);
    }
    if (event_file_ && !event_file_->ok())
      return unavailable("[", options_.events,
                         "] the event log must be possible to write, got an error; check the disk's room");
    return 0;
  }

 private:
  // While the program waits for a line, Ctrl-C ends it at once; while it answers, the answer ends first.
  static bool read_line(bool talks, std::string& line) {
    ::signal(SIGINT, SIG_DFL);
    if (talks) std::cerr << "> " << std::flush;
    const bool read = static_cast<bool>(std::getline(std::cin, line));
    line = trimmed(line);
    catch_interrupts();
    return read;
  }

  Status obey(const std::string& line, Request& request) {
    const size_t space = line.find(' ');
    const std::string command = line.substr(0, space),
                      value = space == std::string::npos ? "" : trimmed(line.substr(space));
    if (command == "/image" || command == "/file" || command == "/audio" || command == "/video") {
      if (value.empty())
        return invalid_argument("[", command, "] must be followed by a path, got none; as in ", command,
                                " cat.png");
      const std::string path = typed_path(value);
      MELETE_ASSIGN_OR_RETURN(Part part, decode_file(path));
      attachments_.push_back(std::move(part));
      if (event_file_) origin_["files"].push_back(file_origin(path));
    } else if (command == "/mode") {
      if (!Registry<Mode>::instance().make(value))
        return invalid_argument("[/mode] must be instant, thinking or contemplating, got \"", value,
                                "\"; choose one");
      options_.mode = value;
    } else if (command == "/effort") {
      const auto effort = parse_effort(value);
      if (!effort)
        return invalid_argument("[/effort] must be low, medium, high or xhigh, got \"", value,
                                "\"; choose one");
      request.effort = *effort;
    } else if (command == "/new") {
      request.conversation.messages.clear();
      attachments_.clear();
      if (event_file_) origin_["files"] = Json::array();
    } else if (command == "/help") {
      std::cerr << kHelp << kSteeringKeys << "\n";
    } else {
      return invalid_argument("[chat] must be a command of /help, got ", command, "; type /help");
    }
    return ok_status();
  }

  Result<Answer> answer_steered(Request& request, Assistant& assistant, EventLog& log) {
    SteeringKeys keys(options_.shows_agents());
    request.steers = [&keys] { return keys.wishes(); };
    Services services = assistant.services();
    auto result = run_mode(options_.mode, request, services, log);
    request.steers = [] { return std::vector<Steer>(); };
    return result;
  }

  Status answer(const std::string& line, Request& request, Assistant& assistant) {
    MELETE_ASSIGN_OR_RETURN(Message message, assistant.chat().user_message(attachments_, line));
    request.conversation.messages.push_back(std::move(message));
    TerminalView view(stdout, stderr, TerminalView::detect(options_.quiet));
    std::vector<EventSink*> sinks;
    if (!options_.json) sinks.push_back(&view);
    if (event_file_) sinks.push_back(event_file_.get());
    EventLog log(sinks);
    if (event_file_) {
      MELETE_ASSIGN_OR_RETURN(const auto held_to, options_.held_to(request));
      log.put(-1, "run.request", 0, run_record(request, held_to, origin_));
    }
    auto result = answer_steered(request, assistant, log);
    if (!result.ok()) {
      request.conversation.messages.pop_back();
      return result.error();
    }
    attachments_.clear();  // kept for another try where the answer failed
    if (options_.json)
      std::cout << json_text(to_json(*result, options_.mode, request.seed)) << "\n" << std::flush;
    for (Message& said : to_messages(*result)) request.conversation.messages.push_back(std::move(said));
    // Now, since Ctrl-C between questions ends the program at once.
    return options_.keep_prompts(assistant);
  }

  AskOptions options_;
  std::vector<Part> attachments_;
  std::unique_ptr<EventFile> event_file_;
  Json origin_;  // with --events: of the runs' model and files
};

class ChatCommand : public Command {
 public:
  CommandInfo info() const override {
    return {
        "chat",
        "hold a conversation, with files",
        cat("Questions are read from standard input, a line each. Lines that begin with / are commands:\n",
            kHelp),
        {"chat", "chat --mode thinking --effort low"}};
  }

  void declare(CLI::App& app) override { options_.declare(app); }

  Result<int> run() override { return run_chat(options_); }

 private:
  AskOptions options_;
};

MELETE_REGISTER_COMMAND(ChatCommand);

}  // namespace

Result<int> run_chat(const AskOptions& options, const std::vector<std::string>& attachments) {
  return ChatRun(options).run(attachments);
}

}  // namespace melete
