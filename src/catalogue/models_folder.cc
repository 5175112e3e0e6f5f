#include "catalogue/models_folder.h"

#include <algorithm>
#include <cstdlib>
#include <regex>

#include "base/file.h"
#include "base/file_writer.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "base/text_distance.h"
#include "model/mapped_file.h"

namespace melete {
const std::regex& gguf_part_pattern() {
  static const std::regex pattern(R"((.*)-(\d{5})-of-(\d{5})\.gguf)");
  return pattern;
}

namespace {

namespace fs = std::filesystem;

constexpr size_t kCopyChunk = size_t{16} << 20;

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= 120 && name[0] != '.' &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") ==
             std::string::npos;
}

// The model's name of a .gguf file; for a part that isn't the first, and for a tower's file, empty.
std::string gguf_name(const fs::path& path) {
  const std::string file = path.filename().string();
  std::smatch match;
  if (file.rfind("mmproj-", 0) == 0 || path.extension() != ".gguf") return {};
  if (!std::regex_match(file, match, gguf_part_pattern())) return path.stem().string();
  return match[2] == "00001" ? match[1].str() : std::string();
}

// A .gguf file, with the other parts of a split one and the tower's file beside it.
std::vector<fs::path> gguf_files(const fs::path& path) {
  std::vector<fs::path> files = {path};
  std::error_code error;
  const std::string file = path.filename().string();
  std::smatch match;
  if (std::regex_match(file, match, gguf_part_pattern())) {
    files.clear();
    for (const auto& entry :
         fs::directory_iterator(path.parent_path().empty() ? "." : path.parent_path(), error)) {
      const std::string other = entry.path().filename().string();
      std::smatch its;
      if (std::regex_match(other, its, gguf_part_pattern()) && its[1] == match[1] && its[3] == match[3])
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
  }
  const fs::path towers = path.parent_path() / ("mmproj-" + file);
  if (fs::exists(towers, error)) files.push_back(towers);
  return files;
}

std::vector<fs::path> folder_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.is_regular_file(error)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

int64_t total_bytes(const std::vector<fs::path>& files) {
  int64_t total = 0;
  std::error_code error;
  for (const fs::path& file : files)
    if (const auto bytes = fs::file_size(file, error); !error) total += static_cast<int64_t>(bytes);
  return total;
}

// By rename; `progress` counts all files.
Status copy_file(const fs::path& from, const fs::path& to, int64_t& done, Progress& progress) {
  std::error_code error;
  if (fs::file_size(from, error) == 0 && !error) return write_file(to, "");
  MELETE_ASSIGN_OR_RETURN(const auto mapped, MappedFile::open(from));
  std::string_view bytes = mapped->bytes();
  MELETE_ASSIGN_OR_RETURN(FileWriter file, FileWriter::create(to));
  while (!bytes.empty()) {
    const std::string_view chunk = bytes.substr(0, kCopyChunk);
    MELETE_RETURN_IF_ERROR(file.write(chunk));
    bytes.remove_prefix(chunk.size());
    progress.set(done += static_cast<int64_t>(chunk.size()));
    if (interrupted())
      return cancelled("[", from.string(), "] copying was interrupted; nothing was imported");
  }
  return file.commit();
}

Status check_room(const fs::path& folder, int64_t bytes) {
  std::error_code error;
  fs::create_directories(folder, error);
  const auto space = fs::space(folder, error);
  if (error || space.available > static_cast<uint64_t>(bytes)) return ok_status();
  return unavailable("[", folder.string(), "] the disk must have room for ", bytes, " bytes, got ",
                     space.available, "; free some or choose another folder with --models");
}

}  // namespace

bool is_model(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return fs::is_regular_file(path / "config.json", error);
  return path.extension() == ".gguf" && fs::is_regular_file(path, error);
}

Result<ModelsFolder> ModelsFolder::at(const std::string& given) {
  if (!given.empty()) return ModelsFolder(given);
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  if (const std::string data = variable("XDG_DATA_HOME"); !data.empty() && data[0] == '/')
    return ModelsFolder(fs::path(data) / "melete/models");
  if (const std::string home = variable("HOME"); !home.empty())
    return ModelsFolder(fs::path(home) / ".local/share/melete/models");
  return invalid_argument(
      "[models] HOME or XDG_DATA_HOME must be set, got neither; name a folder with --models");
}

std::vector<LocalModel> ModelsFolder::list() const {
  std::vector<LocalModel> models;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path_, error)) {
    const fs::path& path = entry.path();
    if (!is_model(path)) continue;
    const bool folder = fs::is_directory(path, error);
    const std::string name = folder ? path.filename().string() : gguf_name(path);
    if (is_name(name))
      models.push_back({name, path, total_bytes(folder ? folder_files(path) : gguf_files(path))});
  }
  std::sort(models.begin(), models.end(),
            [](const LocalModel& a, const LocalModel& b) { return a.name < b.name; });
  return models;
}

Result<LocalModel> ModelsFolder::find(const std::string& name) const {
  std::vector<std::string> names;
  for (LocalModel& model : list()) {
    if (model.name == name) return std::move(model);
    names.push_back(model.name);
  }
  return not_found("[", path_.string(), "] must hold a model ", name, ", got ",
                   names.empty() ? "no models" : "others", did_you_mean(name, names),
                   "; see `melete models list`");
}

Result<fs::path> ModelsFolder::place(const std::string& name, bool is_folder) const {
  if (!is_name(name))
    return invalid_argument("[models] a name must be letters, digits, '.', '-' and '_', got \"", name,
                            "\"; choose one with --name");
  return path_ / (is_folder ? name : name + ".gguf");
}

Result<LocalModel> ModelsFolder::import(const fs::path& from, const std::string& given) const {
  std::error_code error;
  if (!fs::exists(from, error))
    return not_found("[", from.string(), "] must exist, got nothing there; check the path");
  if (!is_model(from))
    return invalid_argument("[", from.string(),
                            "] must be a .gguf file or a folder with config.json, got neither; give a model");
  const fs::path whole = fs::weakly_canonical(from, error);
  const bool folder = fs::is_directory(whole, error);
  const std::vector<fs::path> files = folder ? folder_files(whole) : gguf_files(whole);
  const std::string own = folder ? whole.filename().string() : gguf_name(files.front());
  const std::string name = given.empty() ? own : given;
  MELETE_ASSIGN_OR_RETURN(const fs::path to, place(name, folder));
  if (const auto taken = find(name); taken.ok() && !fs::equivalent(taken->path, files.front(), error))
    return invalid_argument("[models import] the name ", name, " must be free, got a model at ",
                            taken->path.string(), "; choose another with --name");
  const int64_t total = total_bytes(files);
  MELETE_RETURN_IF_ERROR(check_room(path_, total));
  Progress progress("importing " + name, total, "bytes");
  int64_t done = 0;
  // A folder appears as a whole; files of a split model are useless until the first is there, which goes
  // last.
  const fs::path target = folder ? path_ / cat(".", name, ".import") : path_;
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    std::string its = file->filename().string();
    if (!folder && !own.empty()) {
      const size_t at = its.rfind("mmproj-", 0) == 0 ? 7 : 0;
      its = its.substr(0, at) + name + its.substr(at + own.size());
    }
    MELETE_RETURN_IF_ERROR(copy_file(*file, target / its, done, progress));
  }
  if (folder) {
    fs::rename(target, to, error);
    if (error)
      return unavailable("[", to.string(), "] must be possible to write, got: ", error.message(),
                         "; check the disk");
  }
  return find(name);
}

}  // namespace melete
