// The folder of models on this machine: NAME.gguf (or its parts) or NAME/ in Hugging Face layout.
//
// Everything in it appears by rename. Names are letters, digits, '.', '-' and '_', and don't begin with '.'.
#pragma once

#include <cstdint>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "base/result.h"

namespace melete {

// NAME-00001-of-00003.gguf, a part of a split file; groups: name, number, count.
const std::regex& gguf_part_pattern();

struct LocalModel {
  std::string name;
  std::filesystem::path path;  // what Engine::load takes
  int64_t bytes = 0;           // of all its files
};

class ModelsFolder {
 public:
  // `given`, else $XDG_DATA_HOME/melete/models, else ~/.local/share/melete/models. Nothing is made yet.
  // Errors: invalid_argument (none of them is set).
  static Result<ModelsFolder> at(const std::string& given);

  const std::filesystem::path& path() const { return path_; }

  // All models, by name; a folder that doesn't exist has none.
  std::vector<LocalModel> list() const;

  // Errors: not_found, naming the folder and the nearest name there.
  Result<LocalModel> find(const std::string& name) const;

  // Where a model of this name is or would be. Errors: invalid_argument (no name that the folder can have).
  Result<std::filesystem::path> place(const std::string& name, bool is_folder) const;

  // Copies a .gguf file (with the other parts of a split one) or a model's folder here. `name`: empty for its
  // own. Errors: not_found, invalid_argument (no model, or the name is taken by another), unavailable,
  // cancelled.
  Result<LocalModel> import(const std::filesystem::path& from, const std::string& name) const;

 private:
  explicit ModelsFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

// Whether `path` holds a model: a .gguf file, or a folder with config.json.
bool is_model(const std::filesystem::path& path);

}  // namespace melete
