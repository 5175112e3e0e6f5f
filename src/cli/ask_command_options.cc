#include "cli/ask_command_options.h"

#include "base/interrupt.h"
#include "media/decode.h"

namespace melete {

namespace fs = std::filesystem;

void AskOptions::declare(CLI::App& app) {
  app.add_option("--model,-m", model, "model folder; the shipped melete-nano if not given");
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
  app.add_option("--temperature", temperature, "0 is greedy; the mode's own if not given")
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
  app.add_option("--threads", threads, "threads; all cores if not given")->check(CLI::Range(1, 1024));
  app.add_option("--events", events, "write the run's event log to this file, a JSON object a line");
  app.add_flag("--json", json, "print one JSON object an answer");
  app.add_flag("--quiet,-q", quiet, "print the answer alone, without reasoning and meters");
}

Result<Request> AskOptions::request() const {
  Request request;
  const auto parsed = parse_effort(effort);
  if (!parsed)
    return invalid_argument("[--effort] must be low, medium, high or xhigh, got ", effort, "; choose one");
  request.effort = *parsed;
  request.num_agents = agents;
  request.temperature = temperature;
  request.top_p = top_p;
  request.top_k = top_k;
  request.min_p = min_p;
  request.seed = seed;
  request.max_answer_tokens = max_tokens;
  request.max_reasoning_tokens = max_reasoning_tokens;
  request.delta = delta;
  request.deadline_s = deadline_s;
  request.stop_requested = [] { return interrupted(); };
  return request;
}

Result<fs::path> find_model(const std::string& given) {
  std::error_code error;
  if (!given.empty()) {
    if (!fs::is_directory(given, error))
      return not_found("[--model] must be a folder with config.json and model.safetensors, got ", given,
                       "; check the path, or leave it out for the shipped model");
    if (!fs::exists(fs::path(given) / "config.json", error))
      return not_found("[--model] must be a folder with config.json and model.safetensors, got ", given,
                       " without config.json; give a model's folder");
    return fs::path(given);
  }
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  std::string looked;
  std::vector<fs::path> roots = {"/usr/share/melete", "/usr/local/share/melete"};
  for (fs::path folder = program.parent_path(); folder.has_relative_path(); folder = folder.parent_path())
    roots.insert(roots.end() - 2, folder);
  for (const fs::path& root : roots) {
    const fs::path candidate = root / "models/melete-nano";
    if (fs::exists(candidate / "config.json", error)) return candidate;
    looked += (looked.empty() ? "" : ", ") + root.string();
  }
  return not_found("[model] models/melete-nano must lie beside the program, got none in ", looked,
                   "; name a model folder with --model, or train one with `melete train runs/nano.toml`");
}

Result<std::vector<Part>> read_attachments(const std::vector<std::string>& paths) {
  std::vector<Part> parts;
  for (const std::string& path : paths) {
    MELETE_ASSIGN_OR_RETURN(Part part, decode_file(path));
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace melete
