// What `ask`, `chat` and `run` do once their options are read.
#pragma once

#include <string>
#include <vector>

#include "cli/ask_command_options.h"

namespace melete {

// Said before the first answer of a model without a chat template.
inline constexpr const char* kContinuesText =
    "melete: this model was not taught conversations (it has no chat template); it goes on with your text\n";

// Answers one question about the files and returns the exit code. question: "-" or empty: standard input.
Result<int> run_ask(const AskOptions& options, std::string question, const std::vector<std::string>& files);

// Holds a conversation over standard input, one question a line. attachments: paths that the first question
// is about.
Result<int> run_chat(const AskOptions& options, const std::vector<std::string>& attachments = {});

}  // namespace melete
