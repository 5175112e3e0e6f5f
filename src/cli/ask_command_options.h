// The options that `ask` and `chat` share: model, mode, sampling, output.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/assistant.h"

namespace melete {

struct AskOptions {
  std::string model;  // empty: the shipped one
  std::string mode = "instant", effort = "medium";
  int agents = 8, threads = 0;
  double temperature = -1, top_p = 1, min_p = 0, delta = 0.1, deadline_s = 0;
  int64_t top_k = 0, max_tokens = 256, max_reasoning_tokens = 0;
  uint64_t seed = 0;
  bool json = false, quiet = false;
  std::string events;

  void declare(CLI::App& app);

  // Errors: invalid_argument naming the option.
  Result<Request> request() const;
};

// The model folder to use: `given`, else models/melete-nano beside the program, its parents, or the installed
// data folder. Errors: not_found, naming where it looked.
Result<std::filesystem::path> find_model(const std::string& given);

// Decodes each file. Errors: those of decode_file.
Result<std::vector<Part>> read_attachments(const std::vector<std::string>& paths);

}  // namespace melete
