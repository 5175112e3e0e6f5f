#include "model/safetensors.h"

#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "model/safetensors_header.h"

namespace melete {

static_assert(std::endian::native == std::endian::little,
              "safetensors data is little-endian and read as it lies");

namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr uint64_t kMaxIndexBytes = 100'000'000;
constexpr std::string_view kSingleFile = "model.safetensors";
constexpr std::string_view kIndexFile = "model.safetensors.index.json";

struct ParsedSafetensors {
  SafetensorsHeader header;
  std::span<const std::byte> data;
};

Result<ParsedSafetensors> parse_safetensors(std::string_view bytes, std::string_view where) {
  if (bytes.size() < 8)
    return corrupt("[", where, "] must begin with 8 bytes of header length, got ", bytes.size(),
                   " bytes; get the file again");
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), 8);
  if (header_bytes > kMaxHeaderBytes || header_bytes > bytes.size() - 8)
    return corrupt("[", where, "] the header must be at most ",
                   std::min<uint64_t>(kMaxHeaderBytes, bytes.size() - 8), " bytes, got ", header_bytes,
                   "; the file is truncated or no safetensors file");
  const std::string_view json = bytes.substr(8, header_bytes), data = bytes.substr(8 + header_bytes);
  ParsedSafetensors file;
  MELETE_ASSIGN_OR_RETURN(file.header, parse_safetensors_header(json, data.size(), where));
  file.data = std::as_bytes(std::span(data.data(), data.size()));
  return file;
}

// The weight_map of an index, as shard name -> tensor names. Read into a sorted tree, since the ordered one
// takes quadratic time in the number of keys.
using ShardMap = std::map<std::string, std::set<std::string, std::less<>>>;

Result<ShardMap> read_index(const std::filesystem::path& path) {
  MELETE_ASSIGN_OR_RETURN(const std::string text, read_file(path, kMaxIndexBytes));
  const nlohmann::json index = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    return corrupt("[", path.string(),
                   "] must be a JSON object with an object weight_map; get the file again");
  ShardMap shards;
  for (const auto& [tensor, shard] : index["weight_map"].items()) {
    const std::string file = shard.is_string() ? shard.get<std::string>() : std::string();
    const bool plain =
        file.find('/') == std::string::npos && file.find('\0') == std::string::npos && file[0] != '.';
    if (!file.ends_with(".safetensors") || !plain)
      return corrupt("[", path.string(), "] tensor ", quoted_name(tensor),
                     " must name a .safetensors file in the same folder, got ", quoted_name(file),
                     "; get the file again");
    shards[file].insert(tensor);
  }
  if (shards.empty())
    return corrupt("[", path.string(), "] weight_map must name a tensor, got none; get the file again");
  return shards;
}

}  // namespace

Status add_safetensors(TensorFile& result, std::string_view bytes, const std::string& where) {
  MELETE_ASSIGN_OR_RETURN(ParsedSafetensors file, parse_safetensors(bytes, where));
  const auto path = std::make_shared<const std::string>(where);
  for (auto& [name, entry] : file.header.entries) {
    const auto bytes_of_tensor = file.data.subspan(entry.begin, entry.end - entry.begin);
    if (!result.add(name, {entry.type, std::move(entry.shape), bytes_of_tensor, path}))
      return corrupt("[", where, "] tensor ", quoted_name(name), " must be in one shard, got it in ",
                     *result.find(name)->file, " too; get the files again");
  }
  result.add_metadata(std::move(file.header.metadata));
  return ok_status();
}

Result<TensorFile> read_safetensors(const std::filesystem::path& path) {
  TensorFile result(path.string());
  const auto add = [&](const std::filesystem::path& file) -> Status {
    MELETE_ASSIGN_OR_RETURN(auto mapped, MappedFile::open(file));
    MELETE_RETURN_IF_ERROR(add_safetensors(result, mapped->bytes(), file.string()));
    result.keep(std::move(mapped));
    return ok_status();
  };
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(path, ignored);
  const bool is_single = !is_folder || std::filesystem::exists(path / kSingleFile, ignored) ||
                         !std::filesystem::exists(path / kIndexFile, ignored);
  if (is_single) {
    MELETE_RETURN_IF_ERROR(add(is_folder ? path / kSingleFile : path));
    return result;
  }
  MELETE_ASSIGN_OR_RETURN(const ShardMap shards, read_index(path / kIndexFile));
  size_t num_listed = 0;
  for (const auto& [shard, names] : shards) {
    MELETE_RETURN_IF_ERROR(add(path / shard));
    num_listed += names.size();
    for (const std::string& name : names)
      if (const TensorView* view = result.find(name);
          view == nullptr || *view->file != (path / shard).string())
        return corrupt("[", (path / kIndexFile).string(), "] tensor ", quoted_name(name), " must be in ",
                       quoted_name(shard),
                       ", where the index says it is, got no such tensor there; get the files again");
    if (result.tensors().size() != num_listed)
      return corrupt("[", (path / shard).string(), "] must hold the ", names.size(), " tensors that ",
                     kIndexFile, " lists for it, got others too; get the files again");
  }
  return result;
}

}  // namespace melete
