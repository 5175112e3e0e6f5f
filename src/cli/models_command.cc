// `melete models list|info|import|get|packed`: the models on this machine.
#include <algorithm>
#include <ctime>
#include <iostream>
#include <sstream>

#include "base/interrupt.h"
#include "catalogue/catalogue.h"
#include "catalogue/hub.h"
#include "catalogue/model_info.h"
#include "catalogue/wheels.h"
#include "cli/ask_command_options.h"
#include "cli/command.h"
#include "cli/text_table.h"
#include "engine/families/family.h"
#include "engine/packed_cache.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

void declare_folder(CLI::App& app, std::string& folder) {
  app.add_option("--models", folder, "the models' folder; $XDG_DATA_HOME/melete/models if not given");
}

bool is_supported(const std::string& architecture) {
  for (const Family& family : families())
    for (const std::string& name : family.architectures)
      if (name == architecture) return true;
  return false;
}

std::string entry_size(const CatalogueEntry& entry) {
  return entry.bytes < 0 ? "-" : short_bytes(entry.bytes);
}

std::string family_text(const std::string& architecture) {
  if (architecture.empty()) return "unknown";
  return is_supported(architecture) ? architecture : architecture + " (not supported)";
}

class ModelsListCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"models list",
            "list the models on this machine, and those that can be fetched",
            {},
            {"models list", "models list --json"}};
  }

  void declare(CLI::App& app) override {
    declare_folder(app, folder_);
    app.add_flag("--json", json_, "print one JSON object");
  }

  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const ModelsFolder folder, ModelsFolder::at(folder_));
    const std::vector<LocalModel> models = folder.list();
    Json local = Json::array(), others = Json::array();
    std::vector<std::vector<std::string>> rows = {{"NAME", "SIZE", "PARAMETERS", "TYPE", "FAMILY"}};
    for (const LocalModel& model : models) {
      const auto info = inspect_model(model.path);
      rows.push_back({model.name, short_bytes(model.bytes), info.ok() ? short_count(info->parameters) : "-",
                      info.ok() ? info->largest_type() : "damaged",
                      info.ok() ? family_text(info->architecture) : "-"});
      local.push_back({{"name", model.name},
                       {"path", model.path.string()},
                       {"bytes", model.bytes},
                       {"parameters", info.ok() ? info->parameters : 0},
                       {"type", rows.back()[3]},
                       {"architecture", info.ok() ? info->architecture : ""},
                       {"problem", info.ok() ? "" : info.error().message}});
      if (!info.ok()) std::cerr << info.error().message << "\n";
    }
    std::vector<std::vector<std::string>> more = {{"NAME", "SIZE", "LICENCE", "WHAT"}};
    for (const CatalogueEntry& entry : catalogue()) {
      const bool here =
          std::any_of(models.begin(), models.end(), [&](const auto& m) { return m.name == entry.name; });
      if (here) continue;
      more.push_back({entry.name, entry_size(entry), entry.licence, entry.summary});
      others.push_back({{"name", entry.name},
                        {"bytes", entry.bytes},
                        {"licence", entry.licence},
                        {"sha256", entry.sha256},
                        {"summary", entry.summary}});
    }
    if (json_) {
      std::cout << Json{{"folder", folder.path().string()}, {"models", local}, {"catalogue", others}}.dump(2)
                << "\n";
      return 0;
    }
    std::cout << "In " << folder.path().string() << ":\n";
    if (models.empty())
      std::cout << "none yet\n";
    else
      print_table(rows);
    if (more.size() > 1) std::cout << "\nTo fetch with `melete models get NAME`:\n";
    if (more.size() > 1) print_table(more);
    return 0;
  }

 private:
  std::string folder_;
  bool json_ = false;
};

class ModelsInfoCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"models info",
            "show a model's metadata, sizes and types of numbers",
            {},
            {"models info models/melete-nano", "models info smollm2 --json"}};
  }

  void declare(CLI::App& app) override {
    app.add_option("model", model_, "a name in the models' folder, a .gguf file or a model's folder")
        ->required();
    declare_folder(app, folder_);
    app.add_flag("--json", json_, "print one JSON object");
  }

  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const fs::path path, find_model(model_, folder_));
    MELETE_ASSIGN_OR_RETURN(const ModelInfo info, inspect_model(path));
    if (json_) {
      Json json = to_json(info);
      json["path"] = path.string();
      std::cout << json_text(json, 2) << "\n";
      return 0;
    }
    std::vector<std::vector<std::string>> rows = {{"path", path.string()},
                                                  {"family", family_text(info.architecture)}};
    if (!info.name.empty()) rows.push_back({"name", info.name});
    if (!info.licence.empty()) rows.push_back({"licence", info.licence});
    rows.push_back({"parameters", short_count(info.parameters)});
    rows.push_back({"weights", short_bytes(info.bytes)});
    for (const auto& [what, value] :
         {std::pair("context", info.context_length), std::pair("layers", info.layers),
          std::pair("width", info.width), std::pair("vocabulary", info.vocab_size)})
      if (value > 0) rows.push_back({what, std::to_string(value)});
    print_table(rows);
    std::vector<std::vector<std::string>> types = {{"TYPE", "TENSORS", "PARAMETERS", "BYTES"}};
    for (const auto& [name, share] : info.types)
      types.push_back(
          {name, std::to_string(share.tensors), short_count(share.elements), short_bytes(share.bytes)});
    std::cout << "\n";
    print_table(types);
    std::cout << "\n";
    for (const auto& [key, value] : info.metadata) std::cout << key << " = " << value << "\n";
    return 0;
  }

 private:
  std::string model_, folder_;
  bool json_ = false;
};

class ModelsImportCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"models import",
            "copy a .gguf file or a model's folder into the models' folder",
            "Parts of a split file and the mmproj file beside it come along.",
            {"models import ~/Downloads/qwen3-0.6b-q8_0.gguf --name qwen3"}};
  }

  void declare(CLI::App& app) override {
    app.add_option("path", path_, "a .gguf file or a model's folder")->required();
    app.add_option("--name", name_, "the model's name; the file's own if not given");
    declare_folder(app, folder_);
  }

  Result<int> run() override {
    catch_interrupts();
    MELETE_ASSIGN_OR_RETURN(const ModelsFolder folder, ModelsFolder::at(folder_));
    if (is_model(path_)) {
      const auto readable = inspect_model(path_);
      if (!readable.ok()) return readable.error();
    }
    MELETE_ASSIGN_OR_RETURN(const LocalModel model, folder.import(path_, name_));
    std::cout << model.name << "  " << model.path.string() << "\n";
    return 0;
  }

 private:
  std::string path_, name_, folder_;
};

class ModelsGetCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"models get",
            "fetch a model of the catalogue, or hf:OWNER/REPO[/FILE]",
            "Interrupted downloads go on where they stopped. Checksums are compared before a model appears. "
            "Proxies "
            "(https_proxy) and HF_TOKEN are taken from the environment; HF_ENDPOINT names another hub.",
            {"models get smollm2", "models get hf:Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf --name qwen3"}};
  }

  void declare(CLI::App& app) override {
    app.add_option("model", name_, "a name of `melete models list`, or hf:OWNER/REPO[/FILE]")->required();
    app.add_option("--name", local_, "the model's name on this machine; its own if not given");
    declare_folder(app, folder_);
    app.add_option("--python", python_, "the Python whose pip fetches packages")->capture_default_str();
  }

  Result<int> run() override {
    catch_interrupts();
    MELETE_ASSIGN_OR_RETURN(const ModelsFolder folder, ModelsFolder::at(folder_));
    MELETE_ASSIGN_OR_RETURN(const LocalModel model, get(folder));
    std::cout << model.name << "  " << model.path.string() << "\n";
    return 0;
  }

 private:
  Result<LocalModel> get(const ModelsFolder& folder) const {
    const bool is_hub = name_.rfind("hf:", 0) == 0;
    const CatalogueEntry* entry = is_hub ? nullptr : find_entry(name_);
    if (!is_hub && entry == nullptr && is_model(name_)) return folder.import(name_, local_);
    if (!is_hub && entry == nullptr) {
      std::string known;
      for (const CatalogueEntry& other : catalogue()) known += (known.empty() ? "" : ", ") + other.name;
      return not_found("[models get] the model must be one of ", known, ", hf:OWNER/REPO or a path, got ",
                       name_, "; see `melete models list`");
    }
    const std::string local = local_.empty() && entry != nullptr ? entry->name : local_;
    if (is_hub || !entry->hub.empty()) {
      MELETE_ASSIGN_OR_RETURN(const HubName name, parse_hub_name(is_hub ? name_ : entry->hub));
      return fetch_from_hub(name, folder, local, is_hub ? "" : entry->sha256);
    }
    MELETE_ASSIGN_OR_RETURN(const fs::path path, folder.place(local, false));
    std::error_code error;
    if (!fs::exists(path, error)) MELETE_RETURN_IF_ERROR(fetch_wheels(*entry, path, python_));
    return folder.find(local);
  }

  std::string name_, local_, folder_, python_ = "python3";
};

// The weight type and the first file's name of packed weights' key.
std::pair<std::string, std::string> describe_key(const std::string& key) {
  std::istringstream text(key);
  std::string type, line, word;
  std::getline(text, type);
  std::getline(text, line);
  std::istringstream words(line);
  for (int i = 0; i < 5; ++i) words >> word;
  std::getline(words >> std::ws, word);
  return key.empty() ? std::pair<std::string, std::string>("-", "of another version") : std::pair(type, word);
}

std::string date_text(int64_t ns) {
  const time_t seconds = ns / 1'000'000'000;
  tm local{};
  ::localtime_r(&seconds, &local);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local)};
}

class ModelsPackedCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"models packed",
            "list or remove the copies of models' weights that make starts fast",
            "The first start of a model writes its weights, as they are multiplied with, to "
            "$XDG_CACHE_HOME/melete/packed; later starts use them from there. The environment variable "
            "MELETE_PACKED_CACHE names another folder, or says \"off\".",
            {"models packed", "models packed --clear"}};
  }

  void declare(CLI::App& app) override {
    app.add_flag("--clear", clear_, "remove them all; the next starts write them again");
    app.add_flag("--json", json_, "print one JSON object");
  }

  Result<int> run() override {
    const auto folder = default_packed_folder();
    if (!folder)
      return invalid_argument(
          "[models packed] there must be a folder for packed weights, got MELETE_PACKED_CACHE=off "
          "or neither HOME nor XDG_CACHE_HOME; set one");
    if (clear_) {
      MELETE_ASSIGN_OR_RETURN(const int64_t bytes, clear_packed_files(*folder));
      if (json_)
        std::cout << json_text(Json{{"folder", folder->path.string()}, {"removed_bytes", bytes}}, 2) << "\n";
      else
        std::cout << "removed " << short_bytes(bytes) << " from " << folder->path.string() << "\n";
      return 0;
    }
    Json files = Json::array();
    std::vector<std::vector<std::string>> rows = {{"MODEL", "WEIGHTS", "SIZE", "LAST USED"}};
    for (const PackedFile& file : packed_files(*folder)) {
      const auto [type, name] = describe_key(file.key);
      rows.push_back({name, type, short_bytes(file.bytes), date_text(file.used_ns)});
      files.push_back({{"model", name},
                       {"weights", type},
                       {"path", file.path.string()},
                       {"bytes", file.bytes},
                       {"last_used", file.used_ns / 1'000'000'000}});
    }
    if (json_) {
      std::cout << json_text(Json{{"folder", folder->path.string()}, {"files", files}}, 2) << "\n";
      return 0;
    }
    std::cout << "In " << folder->path.string() << ":\n";
    if (rows.size() == 1)
      std::cout << "none\n";
    else
      print_table(rows);
    return 0;
  }

 private:
  bool clear_ = false, json_ = false;
};

MELETE_REGISTER_COMMAND(ModelsGetCommand);
MELETE_REGISTER_COMMAND(ModelsImportCommand);
MELETE_REGISTER_COMMAND(ModelsInfoCommand);
MELETE_REGISTER_COMMAND(ModelsListCommand);
MELETE_REGISTER_COMMAND(ModelsPackedCommand);

}  // namespace
}  // namespace melete
