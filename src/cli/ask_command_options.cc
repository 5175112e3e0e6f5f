#include "cli/ask_command_options.h"

#include "agent/run_record.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "catalogue/catalogue.h"
#include "catalogue/models_folder.h"
#include "media/decode.h"

namespace melete {

namespace fs = std::filesystem;

void AskOptions::declare(CLI::App& app, bool with_model) {
  if (with_model)
    app.add_option(
        "--model,-m", model,
        "a model's folder, .gguf file or name of `models list`; the shipped melete-nano if not given");
  app.add_option("--mode", mode, "instant, thinking or contemplating")
      ->check(CLI::IsMember(Registry<Mode>::instance().names()))
      ->capture_default_str();
  app.add_option("--effort", effort, "how long to reason: low, medium, high or xhigh")
      ->check(CLI::IsMember({"low", "medium", "high", "xhigh"}))
      ->capture_default_str();
  app.add_option("--agents", agents, "agents that contemplate")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--seed", seed, "the same seed gives the same answer")->capture_default_str();
  app.add_option(
         "--temperature", temperature,
         "0 is greedy; if not given, the mode's own, or for a model of another family what its makers advise")
      ->check(CLI::Range(0.0, 10.0));
  app.add_option("--top-p", top_p, "sample from the likeliest tokens with this share")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--top-k", top_k, "sample from this many likeliest tokens; 0: all")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--min-p", min_p, "leave out tokens below this share of the likeliest")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--max-tokens", max_tokens, "longest answer, tokens")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--max-reasoning-tokens", max_reasoning_tokens,
                 "longest reasoning of an agent; the effort's own if not given")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--delta", delta, "largest chance of a false certificate of the vote")
      ->check(CLI::Range(1e-6, 0.5));
  app.add_option("--deadline", deadline_s, "seconds until the answer must be there")
      ->check(CLI::Range(0.001, 1e6));
  app.add_option("--schema", schema, "hold the answer to a JSON schema: a file, or the schema itself");
  app.add_option("--regex", regex, "hold the answer to a regular expression, which the whole of it matches")
      ->excludes("--schema");
  app.add_option("--threads", threads, "threads; all cores if not given")->check(CLI::Range(1, 1024));
  app.add_option("--prompt-cache", prompt_cache,
                 "keep what was computed of conversations in this file, and take it up from there: a prompt "
                 "that begins as an earlier one did is then answered sooner, with the same words");
  app.add_option("--events", events, "write the run's event log to this file, a JSON object a line");
  app.add_flag("--json", json, "print one JSON object an answer");
  app.add_flag("--quiet,-q", quiet, "print the answer alone, without reasoning and meters");
}

void AskOptions::declare_tools(CLI::App& app) {
  app.add_option("--tools", tools,
                 "a JSON file with a list of tools that the model may call; the calls are printed, not run");
  app.add_option("--tool-choice", tool_choice,
                 "auto: the model decides; none; required: it must call one; or the name of the one to call")
      ->needs("--tools");
}

namespace {

constexpr uint64_t kMaxJsonBytes = uint64_t{16} << 20;

Result<std::vector<Json>> read_tools(const std::string& path) {
  MELETE_ASSIGN_OR_RETURN(const std::string text, read_file(path, kMaxJsonBytes));
  MELETE_ASSIGN_OR_RETURN(const Json tools, parse_json(text, path));
  if (!tools.is_array())
    return invalid_argument("[", path, "] must hold a list of tools, got ", tools.type_name(),
                            "; write [{\"name\": ..., \"parameters\": {...}}]");
  return std::vector<Json>(tools.begin(), tools.end());
}

ToolChoice parse_choice(const std::string& text) {
  if (text.empty() || text == "auto") return {};
  if (text == "none") return {ToolChoice::Kind::none};
  if (text == "required") return {ToolChoice::Kind::required};
  return {ToolChoice::Kind::named, text};
}

// What --schema or --regex ask for; nothing if neither is given.
Result<std::optional<GrammarSource>> grammar_source(const std::string& schema, const std::string& regex) {
  if (!regex.empty()) return std::optional(GrammarSource{GrammarKind::regex, regex});
  if (schema.empty()) return std::optional<GrammarSource>();
  if (schema.find_first_of("{ \n") == 0)
    return std::optional(GrammarSource{GrammarKind::json_schema, schema});
  MELETE_ASSIGN_OR_RETURN(std::string text, read_file(schema, kMaxJsonBytes));
  return std::optional(GrammarSource{GrammarKind::json_schema, std::move(text)});
}

}  // namespace

Result<std::optional<GrammarSource>> AskOptions::held_to(const Request& request) const {
  if (!request.tool_choice.is_held()) return grammar_source(schema, regex);
  MELETE_ASSIGN_OR_RETURN(GrammarSource call,
                          held_call_grammar(request.conversation.tools, request.tool_choice));
  return std::optional(std::move(call));
}

Status AskOptions::add_grammar(const Assistant& assistant, Request& request) const {
  MELETE_ASSIGN_OR_RETURN(const auto source, held_to(request));
  if (source) {
    MELETE_ASSIGN_OR_RETURN(request.grammar, assistant.chat().grammar(*source));
  }
  return ok_status();
}

Status AskOptions::add_tools(Request& request) const {
  if (tools.empty()) return ok_status();
  MELETE_ASSIGN_OR_RETURN(request.conversation.tools, read_tools(tools));
  request.tool_choice = parse_choice(tool_choice);
  if (!request.tool_choice.is_held()) return check_tools(request.conversation.tools, request.tool_choice);
  if (!schema.empty() || !regex.empty())
    return invalid_argument("[--tool-choice] must be auto or none beside --schema and --regex, got ",
                            tool_choice, "; a call that must come leaves no answer for them to hold");
  MELETE_RETURN_IF_ERROR(held_call_grammar(request.conversation.tools, request.tool_choice));
  return ok_status();
}

Result<Request> AskOptions::request() const {
  // What can't be compiled is told before a model is loaded.
  MELETE_ASSIGN_OR_RETURN(const auto source, grammar_source(schema, regex));
  if (source) MELETE_RETURN_IF_ERROR(Grammar::check(*source));
  Request request;
  const auto parsed = parse_effort(effort);
  if (!parsed)
    return invalid_argument("[--effort] must be low, medium, high or xhigh, got ", effort, "; choose one");
  request.effort = *parsed;
  request.num_agents = agents;
  request.temperature = temperature;
  if (top_p >= 0) request.top_p = top_p;
  if (top_k >= 0) request.top_k = top_k;
  if (min_p >= 0) request.min_p = min_p;
  request.seed = seed;
  request.max_answer_tokens = max_tokens;
  request.max_reasoning_tokens = max_reasoning_tokens;
  request.delta = delta;
  request.deadline_s = deadline_s;
  request.stop_requested = [] { return interrupted(); };
  MELETE_RETURN_IF_ERROR(add_tools(request));
  return request;
}

SamplingAdvice catalogue_advice(const std::string& model) {
  const CatalogueEntry* entry = find_entry(model);
  if (entry == nullptr || entry->temperature < 0) return {};
  return {entry->temperature, entry->top_p, 0.0, entry->top_k};
}

Result<std::unique_ptr<Assistant>> AskOptions::load_assistant() const {
  MELETE_ASSIGN_OR_RETURN(const fs::path path, find_model(model));
  MELETE_ASSIGN_OR_RETURN(auto assistant, Assistant::load(path, threads));
  if (!prompt_cache.empty()) MELETE_RETURN_IF_ERROR(assistant->recall_prompts(prompt_cache));
  return assistant;
}

Result<Json> AskOptions::run_origin(const std::vector<std::string>& files) const {
  MELETE_ASSIGN_OR_RETURN(const fs::path path, find_model(model));
  Json origin = {{"model", file_origin(path)}, {"files", Json::array()}};
  MELETE_ASSIGN_OR_RETURN(origin["model"]["identity"], model_identity(path));
  for (const std::string& file : files) origin["files"].push_back(file_origin(file));
  return origin;
}

Status AskOptions::keep_prompts(Assistant& assistant) const {
  return prompt_cache.empty() ? ok_status() : assistant.keep_prompts(prompt_cache);
}

void AskOptions::choose_sampling(const Assistant& assistant, Request& request) const {
  if (assistant.chat().is_muse() || temperature >= 0) return;
  const SamplingAdvice advice =
      assistant.chat().sampling_or(catalogue_advice(model_name.empty() ? model : model_name));
  request.temperature = *advice.temperature;
  if (top_p < 0) request.top_p = advice.top_p.value_or(1);
  if (top_k < 0) request.top_k = advice.top_k.value_or(0);
  if (min_p < 0) request.min_p = advice.min_p.value_or(0);
}

namespace {

// Folders that may hold models/NAME: the program's, its parents, and the installed data folders.
std::vector<fs::path> shipping_roots() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  std::vector<fs::path> roots;
  for (fs::path folder = program.parent_path(); folder.has_relative_path(); folder = folder.parent_path())
    roots.push_back(folder);
  roots.insert(roots.end(), {"/usr/share/melete", "/usr/local/share/melete"});
  return roots;
}

// models/`name` of the first root that has it, else empty.
fs::path shipped_model(const std::string& name) {
  std::error_code error;
  for (const fs::path& root : shipping_roots())
    if (fs::exists(root / "models" / name / "config.json", error)) return root / "models" / name;
  return {};
}

Result<fs::path> find_shipped() {
  if (fs::path found = shipped_model("melete-nano"); !found.empty()) return found;
  std::string looked;
  for (const fs::path& root : shipping_roots()) looked += (looked.empty() ? "" : ", ") + root.string();
  return not_found(
      "[model] models/melete-nano must lie beside the program, got none in ", looked,
      "; name a model with --model, fetch one with `melete models get smollm2`, or train one with "
      "`melete train runs/nano.toml`");
}

}  // namespace

Result<fs::path> find_model(const std::string& given, const std::string& models) {
  if (given.empty()) return find_shipped();
  std::error_code error;
  if (is_model(given)) return fs::path(given);
  const bool is_name = given.find('/') == std::string::npos && given.find(".gguf") == std::string::npos;
  if (is_name) {
    MELETE_ASSIGN_OR_RETURN(const ModelsFolder folder, ModelsFolder::at(models));
    if (const auto found = folder.find(given); found.ok()) return found->path;
    if (fs::path found = shipped_model(given); !found.empty()) return found;
    if (find_entry(given) != nullptr)
      return not_found("[model] ", given, " must be on this machine, got nothing of that name in ",
                       folder.path().string(), "; fetch it with `melete models get ", given, "`");
  }
  return not_found(
      "[model] must be a .gguf file, a folder with config.json and model.safetensors, or a name of `melete "
      "models list`, got ",
      given, fs::exists(given, error) ? ", which is none of them" : ", where there is nothing",
      "; check the path, or leave it out for the shipped model");
}

Json file_origin(const fs::path& file) { return {{"path", fs::absolute(file).lexically_normal().string()}}; }

Result<std::vector<Part>> read_attachments(const std::vector<std::string>& paths) {
  std::vector<Part> parts;
  for (const std::string& path : paths) {
    MELETE_ASSIGN_OR_RETURN(Part part, decode_file(path));
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace melete
