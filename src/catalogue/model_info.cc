#include "catalogue/model_info.h"

#include <array>
#include <cstdio>

#include "base/file.h"
#include "model/gguf.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShownBytes = 160;

std::string cut(std::string text) {
  size_t end = std::min(text.size(), kShownBytes);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return end < text.size() ? text.substr(0, end) + cat("... (", text.size(), " bytes)") : text;
}

void count_tensors(const TensorFile& file, ModelInfo& info) {
  for (const auto& [name, view] : file.tensors()) {
    TypeShare& share = info.types[name_of(view.type)];
    ++share.tensors;
    share.elements += view.num_elements();
    share.bytes += static_cast<int64_t>(view.bytes.size());
    info.parameters += view.num_elements();
    info.bytes += static_cast<int64_t>(view.bytes.size());
  }
}

// A number that the file may lack or state in another type.
int64_t integer_or_zero(const GgufFile& file, const std::string& key) {
  const auto value = file.integer(key, 0);
  return value.ok() ? *value : 0;
}

std::string text_or_empty(const GgufFile& file, const std::string& key) {
  const auto value = file.text(key, "");
  return value.ok() ? *value : std::string();
}

Result<ModelInfo> inspect_gguf(const fs::path& path) {
  MELETE_ASSIGN_OR_RETURN(const GgufFile file, GgufFile::open(path));
  ModelInfo info;
  info.architecture = file.architecture();
  info.name = text_or_empty(file, "general.name");
  info.licence = text_or_empty(file, "general.license");
  const std::string prefix = info.architecture + ".";
  info.context_length = integer_or_zero(file, prefix + "context_length");
  info.layers = integer_or_zero(file, prefix + "block_count");
  info.width = integer_or_zero(file, prefix + "embedding_length");
  if (const GgufValue* tokens = file.find("tokenizer.ggml.tokens"))
    if (const auto* list = std::get_if<std::vector<std::string_view>>(tokens))
      info.vocab_size = static_cast<int64_t>(list->size());
  for (const auto& [key, value] : file.metadata()) info.metadata.emplace_back(key, cut(to_string(value)));
  count_tensors(file.tensors(), info);
  return info;
}

int64_t integer_or_zero(const Json& config, const char* key) {
  const auto found = config.is_object() ? config.find(key) : config.end();
  return found != config.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

Result<ModelInfo> inspect_folder(const fs::path& path) {
  const std::string where = (path / "config.json").string();
  MELETE_ASSIGN_OR_RETURN(const std::string text, read_file(where, uint64_t{16} << 20));
  MELETE_ASSIGN_OR_RETURN(const Json config, parse_json(text, where));
  if (!config.is_object()) return corrupt("[", where, "] must be a JSON object, got another; check the file");
  MELETE_ASSIGN_OR_RETURN(const TensorFile tensors, TensorFile::open(path));
  ModelInfo info;
  const auto type = config.find("model_type");
  if (type != config.end() && type->is_string()) info.architecture = type->get<std::string>();
  const auto inner = config.find("text_config");
  const Json& decoder = inner != config.end() && inner->is_object() ? *inner : config;
  info.context_length = integer_or_zero(decoder, "max_position_embeddings");
  info.layers = integer_or_zero(decoder, "num_hidden_layers");
  info.width = integer_or_zero(decoder, "hidden_size");
  info.vocab_size = integer_or_zero(decoder, "vocab_size");
  for (const auto& [key, value] : config.items()) info.metadata.emplace_back(key, cut(value.dump()));
  for (const auto& [key, value] : tensors.metadata()) info.metadata.emplace_back(key, cut(value));
  count_tensors(tensors, info);
  return info;
}

std::string short_number(int64_t value, const char* const* units) {
  double number = static_cast<double>(value);
  while (number >= 999.5 && units[1] != nullptr) number /= 1000, ++units;
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), number < 9.95 && **units != 0 ? "%.1f" : "%.0f", number);
  return **units == 0 ? text.data() : cat(text.data(), " ", *units);
}

}  // namespace

std::string ModelInfo::largest_type() const {
  std::string largest;
  int64_t most = -1;
  for (const auto& [type, share] : types)
    if (share.bytes > most) most = share.bytes, largest = type;
  return largest;
}

Result<ModelInfo> inspect_model(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error) ? inspect_folder(path) : inspect_gguf(path);
}

Json to_json(const ModelInfo& info) {
  Json types = Json::object(), metadata = Json::object();
  for (const auto& [name, share] : info.types)
    types[name] = {{"tensors", share.tensors}, {"elements", share.elements}, {"bytes", share.bytes}};
  for (const auto& [key, value] : info.metadata) metadata[key] = value;
  return {{"architecture", info.architecture},
          {"name", info.name},
          {"licence", info.licence},
          {"parameters", info.parameters},
          {"bytes", info.bytes},
          {"context_length", info.context_length},
          {"layers", info.layers},
          {"width", info.width},
          {"vocab_size", info.vocab_size},
          {"types", types},
          {"metadata", metadata}};
}

std::string short_count(int64_t count) {
  static constexpr const char* kUnits[] = {"", "k", "M", "B", "T", nullptr};
  return short_number(count, kUnits);
}

std::string short_bytes(int64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", nullptr};
  return short_number(bytes, kUnits);
}

}  // namespace melete
