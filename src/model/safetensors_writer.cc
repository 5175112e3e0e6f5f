#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "base/file.h"
#include "base/file_writer.h"
#include "base/json.h"
#include "model/float_formats.h"
#include "model/safetensors.h"
#include "model/safetensors_header.h"

namespace melete {
namespace {

constexpr size_t kChunkElements = size_t{1} << 16;

int64_t stored_bytes(const TensorSource& tensor) {
  return std::visit(
      [&](auto values) {
        return static_cast<int64_t>(values.size()) * (sizeof(values[0]) == 1 ? 1 : block_bytes(tensor.type));
      },
      tensor.values);
}

Status check_source(const TensorSource& tensor, std::string_view where) {
  const bool is_float = std::holds_alternative<std::span<const float>>(tensor.values);
  const bool is_integer = std::holds_alternative<std::span<const int64_t>>(tensor.values);
  int64_t needed = block_bytes(tensor.type);
  bool fits = !tensor.name.empty() && tensor.name != "__metadata__";
  for (const int64_t side : tensor.shape)
    fits = fits && side >= 0 && !__builtin_mul_overflow(needed, side, &needed);
  if (is_float) fits = fits && (tensor.type == DataType::f32 || tensor.type == DataType::bf16);
  if (is_integer) fits = fits && tensor.type == DataType::i64;
  if (fits && needed == stored_bytes(tensor)) return ok_status();
  return invalid_argument("[", where, "] tensor ", quoted_name(tensor.name),
                          " must have a name and the values that ", name_of(tensor.type), " ",
                          to_string(tensor.shape), " needs, got ", stored_bytes(tensor),
                          " bytes; give values of that type and number");
}

// Wide types first, then by name: every tensor is then aligned to its own width.
std::vector<const TensorSource*> in_file_order(std::span<const TensorSource> tensors) {
  std::vector<const TensorSource*> order;
  for (const TensorSource& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const TensorSource* a, const TensorSource* b) {
    return std::pair(-block_bytes(a->type), std::string_view(a->name)) <
           std::pair(-block_bytes(b->type), std::string_view(b->name));
  });
  return order;
}

// The header of a file, with spaces after it so that the data begins at a multiple of 8.
Result<std::string> make_header(const std::vector<const TensorSource*>& order, const TensorMetadata& metadata,
                                std::string_view where) {
  nlohmann::json header = nlohmann::json::object();
  header["__metadata__"] = metadata;
  header["__metadata__"]["format"] = "pt";
  int64_t offset = 0;
  for (const TensorSource* tensor : order) {
    MELETE_RETURN_IF_ERROR(check_source(*tensor, where));
    if (header.contains(tensor->name))
      return invalid_argument("[", where, "] tensor ", quoted_name(tensor->name),
                              " must be given once, got it twice; rename one");
    const int64_t end = offset + stored_bytes(*tensor);
    header[tensor->name] = {
        {"dtype", name_of(tensor->type)}, {"shape", tensor->shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

Status write_values(FileWriter& file, const TensorSource& tensor) {
  if (const auto* bytes = std::get_if<std::span<const std::byte>>(&tensor.values)) return file.write(*bytes);
  if (const auto* integers = std::get_if<std::span<const int64_t>>(&tensor.values))
    return file.write(std::as_bytes(*integers));
  std::span<const float> floats = std::get<std::span<const float>>(tensor.values);
  if (tensor.type == DataType::f32) return file.write(std::as_bytes(floats));
  std::vector<uint16_t> narrow(std::min(floats.size(), kChunkElements));
  while (!floats.empty()) {
    const size_t n = std::min(floats.size(), kChunkElements);
    std::transform(floats.begin(), floats.begin() + static_cast<ptrdiff_t>(n), narrow.begin(),
                   bf16_from_float);
    MELETE_RETURN_IF_ERROR(file.write(std::as_bytes(std::span(narrow.data(), n))));
    floats = floats.subspan(n);
  }
  return ok_status();
}

std::string shard_name(size_t index, size_t count) {
  std::array<char, 64> name{};
  std::snprintf(name.data(), name.size(), "model-%05zu-of-%05zu.safetensors", index + 1, count);
  return name.data();
}

// Whether a file name has the form that shard_name makes.
bool is_shard_name(const std::string& name) {
  return name.starts_with("model-") && name.ends_with(".safetensors");
}

// Removes what an earlier save left and the one that has just been written doesn't use.
void remove_stale(const std::filesystem::path& folder, const std::vector<std::string>& current) {
  std::error_code ignored;
  std::vector<std::filesystem::path> stale;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool is_weights =
        name == "model.safetensors" || name == "model.safetensors.index.json" || is_shard_name(name);
    if (is_weights && std::find(current.begin(), current.end(), name) == current.end())
      stale.push_back(entry.path());
  }
  for (const auto& path : stale) std::filesystem::remove(path, ignored);
}

}  // namespace

Status write_safetensors(const std::filesystem::path& path, std::span<const TensorSource> tensors,
                         const TensorMetadata& metadata) {
  const std::vector<const TensorSource*> order = in_file_order(tensors);
  MELETE_ASSIGN_OR_RETURN(const std::string header, make_header(order, metadata, path.string()));
  MELETE_ASSIGN_OR_RETURN(FileWriter file, FileWriter::create(path));
  const uint64_t header_bytes = header.size();
  MELETE_RETURN_IF_ERROR(file.write(std::as_bytes(std::span(&header_bytes, 1))));
  MELETE_RETURN_IF_ERROR(file.write(header));
  for (const TensorSource* tensor : order) MELETE_RETURN_IF_ERROR(write_values(file, *tensor));
  return file.commit();
}

Status write_model_tensors(const std::filesystem::path& folder, std::span<const TensorSource> tensors,
                           const TensorMetadata& metadata, int64_t max_shard_bytes) {
  std::vector<std::vector<TensorSource>> shards(1);
  int64_t shard_bytes = 0, total_bytes = 0;
  for (const TensorSource& tensor : tensors) {
    const int64_t bytes = stored_bytes(tensor);
    if (!shards.back().empty() && shard_bytes + bytes > max_shard_bytes) {
      shards.emplace_back();
      shard_bytes = 0;
    }
    shards.back().push_back(tensor);
    shard_bytes += bytes;
    total_bytes += bytes;
  }
  if (shards.size() == 1) {
    MELETE_RETURN_IF_ERROR(write_safetensors(folder / "model.safetensors", tensors, metadata));
    remove_stale(folder, {"model.safetensors"});
    return ok_status();
  }
  std::vector<std::string> files = {"model.safetensors.index.json"};
  nlohmann::json index = {{"metadata", {{"total_size", total_bytes}}},
                          {"weight_map", nlohmann::json::object()}};
  for (size_t i = 0; i < shards.size(); ++i) {
    files.push_back(shard_name(i, shards.size()));
    MELETE_RETURN_IF_ERROR(write_safetensors(folder / files.back(), shards[i], metadata));
    for (const TensorSource& tensor : shards[i]) index["weight_map"][tensor.name] = files.back();
  }
  MELETE_RETURN_IF_ERROR(write_file(folder / files[0], index.dump(2) + "\n"));
  remove_stale(folder, files);
  return ok_status();
}

}  // namespace melete
