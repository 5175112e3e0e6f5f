// The options that `ask` and `chat` share: model, mode, sampling, output.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/assistant.h"

namespace melete {

struct AskOptions {
  std::string model;       // empty: the shipped one
  std::string model_name;  // as the user named it where `model` was resolved already
  std::string mode = kDefaultMode, effort = "medium";
  int agents = 8, threads = 0;
  double temperature = -1, top_p = -1, min_p = -1, delta = 0.1, deadline_s = 0;  // below 0: not given
  int64_t top_k = -1, max_tokens = 256, max_reasoning_tokens = 0;
  uint64_t seed = 0;
  bool json = false, quiet = false;
  std::string events, schema, regex, tools, tool_choice, prompt_cache;

  // with_model: --model is one of the options, where the command doesn't name the model itself.
  void declare(CLI::App& app, bool with_model = true);

  // The options of tools, for a command that prints the calls and ends.
  void declare_tools(CLI::App& app);

  // Errors: invalid_argument naming the option; those of reading --schema and --tools, and of check_tools().
  Result<Request> request() const;

  // What --schema, --regex or the call that --tool-choice wants hold the answer to; nothing if none is given.
  // Errors: those of reading --schema and of held_call_grammar().
  Result<std::optional<GrammarSource>> held_to(const Request& request) const;

  // Compiles that into request.grammar. Errors: those of held_to() and Grammar::compile.
  Status add_grammar(const Assistant& assistant, Request& request) const;

  // Reads --tools into request. Errors: as request().
  Status add_tools(Request& request) const;

  // Agents are shown at work, so that keys may steer them.
  bool shows_agents() const { return mode == "contemplating" && !quiet && !json; }

  // Loads the model and what --prompt-cache remembers. Errors: those of find_model, Assistant::load and
  // Assistant::recall_prompts.
  Result<std::unique_ptr<Assistant>> load_assistant() const;

  // What --events keeps of the model and of the files that the questions are about, for run_record(). Errors:
  // those of find_model and model_identity().
  Result<Json> run_origin(const std::vector<std::string>& files) const;

  // Writes --prompt-cache, if it is given.
  Status keep_prompts(Assistant& assistant) const;

  // Fills in how the loaded model is sampled where no option says so: for a Muse model as its mode does; for
  // another as its files advise, else as the catalogue does for a model of that name, else temperature 0.7,
  // top-p 0.95, min-p 0.05. A given temperature stands alone: then nothing is left out unless an option says
  // so.
  void choose_sampling(const Assistant& assistant, Request& request) const;
};

// The model to use, as Engine::load takes it. `given`: a .gguf file, a folder with config.json, or a name in
// the models' folder or beside the program; empty: the shipped melete-nano. models: the models' folder, empty
// for the usual one. Errors: not_found, naming where it looked, or how a model of the catalogue is fetched.
Result<std::filesystem::path> find_model(const std::string& given, const std::string& models = {});

// How the catalogue has a model of that name sampled; empty if it doesn't say.
SamplingAdvice catalogue_advice(const std::string& model);

// A file as run_origin() names it.
Json file_origin(const std::filesystem::path& file);

// Decodes each file. Errors: those of decode_file.
Result<std::vector<Part>> read_attachments(const std::vector<std::string>& paths);

}  // namespace melete
