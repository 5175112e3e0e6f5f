#include "catalogue/hub.h"

#include <algorithm>
#include <cstdlib>
#include <regex>

#include "base/ascii.h"
#include "base/json.h"
#include "catalogue/download.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == 0 ? otherwise : value;
}

std::string endpoint() {
  std::string url = variable("HF_ENDPOINT", "https://huggingface.co");
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string token() { return variable("HF_TOKEN", ""); }

bool is_plain(std::string_view text) {
  return !text.empty() && text[0] != '.' &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") ==
             std::string_view::npos;
}

std::string escaped(std::string_view path) {
  std::string text;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || std::string_view("/-_.~").find(c) != std::string_view::npos)
      text += c;
    else
      text += '%', text += "0123456789ABCDEF"[byte >> 4], text += "0123456789ABCDEF"[byte & 15];
  }
  return text;
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int64_t integer_of(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : -1;
}

// Paths are the server's words: only plain ones may become files here.
bool is_safe(const std::string& path) {
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (!is_plain(std::string_view(path).substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  return true;
}

// `first` and, if it is one of several parts, the others.
std::vector<HubFile> with_parts(const HubFile& first, const std::vector<HubFile>& files) {
  std::smatch match;
  if (!std::regex_match(first.path, match, gguf_part_pattern())) return {first};
  std::vector<HubFile> parts;
  for (const HubFile& file : files) {
    std::smatch its;
    if (std::regex_match(file.path, its, gguf_part_pattern()) && its[1] == match[1] && its[3] == match[3])
      parts.push_back(file);
  }
  return parts;
}

std::vector<HubFile> folder_files(const std::vector<HubFile>& files) {
  std::vector<HubFile> chosen;
  bool weights = false, config = false;
  for (const HubFile& file : files) {
    const bool in_folder = file.path.find('/') == std::string::npos;
    const bool is_weights = file.path.ends_with(".safetensors");
    const bool is_text = file.path.ends_with(".json") || file.path.ends_with(".jinja") ||
                         file.path == "README.md" || file.path.rfind("LICENSE", 0) == 0;
    if (!in_folder || (!is_weights && !is_text)) continue;
    weights = weights || is_weights;
    config = config || file.path == "config.json";
    chosen.push_back(file);
  }
  return weights && config ? chosen : std::vector<HubFile>();
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

Result<HubName> parse_hub_name(std::string_view text) {
  const std::string_view given = text;
  if (text.rfind("hf:", 0) == 0) text.remove_prefix(3);
  const size_t slash = text.find('/'), second = slash == text.npos ? text.npos : text.find('/', slash + 1);
  HubName name;
  if (slash != text.npos) {
    name.owner = text.substr(0, slash);
    name.repo = text.substr(slash + 1, second == text.npos ? text.npos : second - slash - 1);
    if (second != text.npos) name.file = text.substr(second + 1);
  }
  if (is_plain(name.owner) && is_plain(name.repo) && (second == text.npos || is_safe(name.file))) return name;
  return invalid_argument("[models get] must be hf:OWNER/REPO or hf:OWNER/REPO/FILE, got \"", given,
                          "\"; see the model's page");
}

Result<std::vector<HubFile>> list_hub_files(const HubName& name) {
  const std::string url =
      cat(endpoint(), "/api/models/", name.owner, "/", name.repo, "/tree/main?recursive=true");
  MELETE_ASSIGN_OR_RETURN(const std::string text, fetch_text(url, token()));
  MELETE_ASSIGN_OR_RETURN(const Json list, parse_json(text, url));
  if (!list.is_array())
    return corrupt("[", url, "] must answer with a list of files, got another; check HF_ENDPOINT");
  std::vector<HubFile> files;
  for (const Json& entry : list) {
    HubFile file{text_of(entry, "path"), integer_of(entry, "size"), {}, {}};
    if (text_of(entry, "type") != "file" || !is_safe(file.path)) continue;
    const auto lfs = entry.find("lfs");
    if (lfs != entry.end() && lfs->is_object()) {
      file.sha256 = text_of(*lfs, "oid");
      file.bytes = integer_of(*lfs, "size");
    } else {
      file.git_blob = text_of(entry, "oid");
    }
    files.push_back(std::move(file));
  }
  return files;
}

Result<std::vector<HubFile>> choose_hub_files(const HubName& name, const std::vector<HubFile>& files) {
  const std::string repository = cat("hf:", name.owner, "/", name.repo);
  if (!name.file.empty()) {
    for (const HubFile& file : files)
      if (file.path == name.file) return with_parts(file, files);
  } else {
    for (const char* type : {"q8_0", "q4_k_m", "q4_0", "bf16", "f16", ""})
      for (const HubFile& file : files) {
        const std::string path = lower_ascii(file.path);
        if (path.ends_with(".gguf") && path.find("mmproj") == path.npos && path.find(type) != path.npos)
          return with_parts(file, files);
      }
    if (std::vector<HubFile> chosen = folder_files(files); !chosen.empty()) return chosen;
  }
  std::string there;
  for (size_t i = 0; i < std::min<size_t>(files.size(), 12); ++i)
    there += (i > 0 ? ", " : "") + files[i].path;
  return not_found("[", repository, "] must hold ",
                   name.file.empty() ? "a .gguf file, or config.json with safetensors files" : name.file,
                   ", got ", files.empty() ? "nothing" : there, "; name a file with ", repository, "/FILE");
}

Result<LocalModel> fetch_from_hub(const HubName& name, const ModelsFolder& folder,
                                  const std::string& local_name, const std::string& sha256) {
  MELETE_ASSIGN_OR_RETURN(const std::vector<HubFile> files, list_hub_files(name));
  MELETE_ASSIGN_OR_RETURN(const std::vector<HubFile> chosen, choose_hub_files(name, files));
  const bool is_folder = !chosen[0].path.ends_with(".gguf");
  std::string own = is_folder ? name.repo : base_name(chosen[0].path);
  std::smatch match;
  const bool parts = !is_folder && std::regex_match(own, match, gguf_part_pattern());
  if (!is_folder) own = parts ? match[1].str() : own.substr(0, own.size() - 5);
  const std::string local = local_name.empty() ? own : local_name;
  MELETE_ASSIGN_OR_RETURN(const fs::path place, folder.place(local, is_folder));
  // A folder is a model once it has its config, which therefore comes last.
  std::vector<HubFile> order = chosen;
  std::stable_partition(order.begin(), order.end(), [](const HubFile& f) { return f.path != "config.json"; });
  std::stable_partition(order.begin(), order.end(),
                        [&](const HubFile& f) { return !parts || f.path != chosen[0].path; });
  for (const HubFile& file : order) {
    Download request;
    request.url = cat(endpoint(), "/", name.owner, "/", name.repo, "/resolve/main/", escaped(file.path));
    const std::string its = base_name(file.path);
    request.path = is_folder ? place / its : parts ? folder.path() / (local + its.substr(own.size())) : place;
    request.bytes = file.bytes;
    request.sha256 = sha256.empty() ? file.sha256 : sha256;
    request.git_blob = file.git_blob;
    request.token = token();
    request.label = its;
    MELETE_RETURN_IF_ERROR(download(request));
  }
  return folder.find(local);
}

}  // namespace melete
