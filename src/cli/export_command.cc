// `melete export`: a model of ours in the files that other engines read.
#include <iostream>
#include <map>
#include <memory>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "cli/command.h"
#include "model/gguf_export.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

const std::map<std::string, DataType>& gguf_types() {
  static const std::map<std::string, DataType> types = {
      {"f32", DataType::f32}, {"bf16", DataType::bf16}, {"q8_0", DataType::q8_0}, {"q4_0", DataType::q4_0}};
  return types;
}

std::string size_text(const fs::path& path) {
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  return error ? "unknown size" : cat(static_cast<double>(bytes / 100000) / 10, " MB");
}

// Everything of a model's folder but its weights.
constexpr const char* kSideFiles[] = {"generation_config.json",         "tokenizer.json",
                                      "tokenizer_config.json",          "chat_template.jinja",
                                      "processor_config.json",          "preprocessor_config.json",
                                      "video_preprocessor_config.json", "README.md"};

class ExportCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"export",
            "write a model in the files that other engines read",
            "--gguf writes one file for llama.cpp (architectures muse-spark and muse-glimmer) and, for a "
            "model with "
            "towers, mmproj-NAME beside it. --safetensors writes a folder for transformers, vLLM and SGLang.",
            {"export models/melete-nano --gguf melete-nano.gguf --type q8_0",
             "export models/melete-nano --safetensors melete-nano-bf16 --type bf16"}};
  }

  void declare(CLI::App& app) override {
    app.add_option("model", model_, "the model's folder")->required();
    auto* gguf = app.add_option("--gguf", gguf_, "the .gguf file to write");
    app.add_option("--safetensors", folder_, "the folder to write")->excludes(gguf);
    app.add_option("--type", type_,
                   "of the matrices: f32, bf16, or for GGUF q8_0 or q4_0 too; bf16 if not given")
        ->check(CLI::IsMember({"f32", "bf16", "q8_0", "q4_0"}))
        ->capture_default_str();
  }

  Result<int> run() override {
    catch_interrupts();
    if (gguf_.empty() == folder_.empty())
      return invalid_argument(
          "[export] --gguf FILE or --safetensors FOLDER must be given, got neither; choose one");
    MELETE_RETURN_IF_ERROR(gguf_.empty() ? write_folder() : write_gguf_files());
    return 0;
  }

 private:
  Status write_gguf_files() {
    if (fs::path(gguf_).extension() != ".gguf")
      return invalid_argument("[--gguf] must end in .gguf, got ", gguf_, "; readers go by the name");
    GgufExport options{gguf_types().at(type_), {}};
    std::unique_ptr<Progress> progress;
    options.progress = [&](int64_t done, int64_t total) -> Status {
      if (!progress || done < done_) progress = std::make_unique<Progress>("writing", total, "bytes");
      done_ = done;
      progress->set(done);
      return interrupted() ? Status(cancelled("[export] was interrupted; nothing was written")) : ok_status();
    };
    MELETE_ASSIGN_OR_RETURN(const GgufExportFiles files, export_gguf(model_, gguf_, options));
    progress.reset();
    for (const fs::path& path : {files.model, files.mmproj})
      if (!path.empty()) std::cout << path.string() << "  " << size_text(path) << "\n";
    return ok_status();
  }

  Status write_folder() {
    const DataType type = gguf_types().at(type_);
    if (type != DataType::f32 && type != DataType::bf16)
      return invalid_argument("[--type] must be f32 or bf16 for safetensors, got ", type_, "; choose one");
    std::error_code error;
    if (fs::equivalent(model_, folder_, error))
      return invalid_argument("[--safetensors] must be another folder than the model's, got ", folder_,
                              "; the weights would be overwritten while they are read");
    MELETE_ASSIGN_OR_RETURN(const Checkpoint model, open_checkpoint(model_));
    std::vector<std::vector<float>> values;
    std::vector<WeightValues> weights;
    for (const WeightSpec& spec : weight_specs(model.config)) {
      MELETE_ASSIGN_OR_RETURN(std::vector<float> floats, model.tensors.floats(spec.name));
      values.push_back(std::move(floats));
      weights.push_back({spec, values.back()});
      if (interrupted()) return cancelled("[export] was interrupted; nothing was written");
    }
    SaveOptions options;
    options.type = type;
    options.metadata = model.tensors.metadata();
    MELETE_RETURN_IF_ERROR(save_weights(folder_, model.config, weights, options));
    for (const char* name : kSideFiles) MELETE_RETURN_IF_ERROR(copy_side_file(name));
    std::cout << folder_ << "  " << size_text(fs::path(folder_) / "model.safetensors") << "\n";
    return ok_status();
  }

  Status copy_side_file(const char* name) {
    const auto text = read_file(fs::path(model_) / name);
    if (text.ok()) return write_file(fs::path(folder_) / name, *text);
    return text.error().kind == ErrorKind::not_found ? ok_status() : Status(text.error());
  }

  std::string model_, gguf_, folder_, type_ = "bf16";
  int64_t done_ = 0;
};

MELETE_REGISTER_COMMAND(ExportCommand);

}  // namespace
}  // namespace melete
