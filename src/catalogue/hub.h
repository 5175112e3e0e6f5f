// Models of the Hugging Face hub: hf:OWNER/REPO[/FILE].
//
// HF_ENDPOINT names another server of the same interface, HF_TOKEN a token for models whose terms one has
// accepted. Files are checked against the hub's own checksums: sha256 for large ones, git's for the rest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalogue/models_folder.h"

namespace melete {

struct HubName {
  std::string owner, repo, file;  // file: empty for the whole model, else a path in the repository
};

// "OWNER/REPO" or "OWNER/REPO/FILE", with or without "hf:". Errors: invalid_argument.
Result<HubName> parse_hub_name(std::string_view text);

struct HubFile {
  std::string path;
  int64_t bytes = 0;
  std::string sha256, git_blob;  // one of them
};

// The files of a repository. Errors: those of fetch_text; corrupt (no list).
Result<std::vector<HubFile>> list_hub_files(const HubName& name);

// What of them makes the model: `file` with its other parts; else a .gguf in the order Q8_0, Q4_K_M, Q4_0,
// BF16, F16, any; else config, tokenizer and safetensors files. Errors: not_found, naming what is there.
Result<std::vector<HubFile>> choose_hub_files(const HubName& name, const std::vector<HubFile>& files);

// Fetches the model into the folder as `local_name` (empty: its own) and returns it. A model that is there
// with the right checksums is not fetched again. sha256: of a single file where the caller knows it, else
// empty. Errors: those of the above and of download().
Result<LocalModel> fetch_from_hub(const HubName& name, const ModelsFolder& folder,
                                  const std::string& local_name, const std::string& sha256);

}  // namespace melete
