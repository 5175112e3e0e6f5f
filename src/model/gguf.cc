#include "model/gguf.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "model/gguf_cursor.h"
#include "model/gguf_types.h"

namespace melete {
namespace {

constexpr uint64_t kDefaultAlignment = 32, kMaxAlignment = uint64_t{1} << 24;
constexpr uint32_t kMaxDimensions = 4;
constexpr int64_t kMaxParts = 65535;  // split.count is a u16
constexpr uint64_t kMinMetadataBytes = 8 + 4 + 1, kMinTensorBytes = 8 + 4 + 8 + 4 + 8;

struct Entry {
  std::string_view name;
  DataType type = DataType::f32;
  TensorShape shape;
  uint64_t begin = 0, size = 0;  // bytes from the start of the data
};

struct ParsedGguf {
  std::map<std::string, GgufValue, std::less<>> metadata;
  std::vector<Entry> entries;
  std::string_view data;
};

struct Counts {
  uint64_t tensors = 0, metadata = 0;
};

Result<Counts> read_start(GgufCursor& cursor, std::string_view where) {
  MELETE_ASSIGN_OR_RETURN(const auto magic, (cursor.number<std::array<char, 4>>("the start")));
  if (std::string_view(magic.data(), 4) != "GGUF")
    return corrupt("[", where, "] must begin with \"GGUF\", got ", quoted_name({magic.data(), 4}),
                   "; the file is no GGUF file");
  MELETE_ASSIGN_OR_RETURN(const uint32_t version, cursor.number<uint32_t>("the version"));
  if (version != 2 && version != 3)
    return invalid_argument("[", where, "] must be GGUF version 2 or 3 in little-endian order, got version ",
                            version, "; convert the model again");
  Counts counts;
  MELETE_ASSIGN_OR_RETURN(counts.tensors, cursor.number<uint64_t>("the tensor count"));
  MELETE_ASSIGN_OR_RETURN(counts.metadata, cursor.number<uint64_t>("the metadata count"));
  if (counts.tensors > cursor.remaining() / kMinTensorBytes ||
      counts.metadata > cursor.remaining() / kMinMetadataBytes)
    return corrupt("[", where, "] the header must fit into the file, got ", counts.tensors, " tensors and ",
                   counts.metadata, " metadata keys in ", cursor.remaining(),
                   " bytes; the file is truncated or damaged, get it again");
  return counts;
}

Status read_metadata(GgufCursor& cursor, uint64_t count, ParsedGguf& file, std::string_view where) {
  for (uint64_t i = 0; i < count; ++i) {
    MELETE_ASSIGN_OR_RETURN(const std::string_view key, cursor.text(cat("metadata key ", i)));
    MELETE_ASSIGN_OR_RETURN(GgufValue value, cursor.value(cat("the value of ", quoted_name(key))));
    if (!file.metadata.try_emplace(std::string(key), std::move(value)).second)
      return corrupt("[", where, "] metadata key ", quoted_name(key),
                     " must appear once, got it twice; the file is damaged, get it again");
  }
  return ok_status();
}

// The bytes that the entry's type and shape need.
Result<uint64_t> needed_bytes(const Entry& entry, std::string_view where) {
  const int64_t row = entry.shape.back(), block = block_elements(entry.type);
  if (row % block != 0)
    return corrupt("[", where, "] tensor ", quoted_name(entry.name), " must have rows of a multiple of ",
                   block, " elements for ", name_of(entry.type), ", got shape ", to_string(entry.shape),
                   "; the file is damaged, get it again");
  uint64_t bytes = static_cast<uint64_t>(block_bytes(entry.type));
  bool overflow = __builtin_mul_overflow(bytes, static_cast<uint64_t>(row / block), &bytes);
  for (size_t i = 0; i + 1 < entry.shape.size(); ++i)
    overflow |= __builtin_mul_overflow(bytes, static_cast<uint64_t>(entry.shape[i]), &bytes);
  if (overflow)
    return corrupt("[", where, "] tensor ", quoted_name(entry.name), " must need less than 2^64 bytes, got ",
                   name_of(entry.type), " ", to_string(entry.shape), "; the file is damaged, get it again");
  return bytes;
}

Result<Entry> read_entry(GgufCursor& cursor, uint64_t index, std::string_view where) {
  Entry entry;
  MELETE_ASSIGN_OR_RETURN(entry.name, cursor.text(cat("the name of tensor ", index)));
  const std::string what = cat("tensor ", quoted_name(entry.name));
  MELETE_ASSIGN_OR_RETURN(const uint32_t dimensions, cursor.number<uint32_t>(what));
  if (dimensions < 1 || dimensions > kMaxDimensions)
    return corrupt("[", where, "] ", what, " must have 1 to ", kMaxDimensions, " dimensions, got ",
                   dimensions, "; the file is damaged, get it again");
  for (uint32_t i = 0; i < dimensions; ++i) {
    MELETE_ASSIGN_OR_RETURN(const uint64_t side, cursor.number<uint64_t>(what));
    if (side < 1 || side > static_cast<uint64_t>(INT64_MAX))
      return corrupt("[", where, "] ", what, " must have sides from 1 to 2^63 - 1, got ", side,
                     "; the file is damaged, get it again");
    entry.shape.insert(entry.shape.begin(), static_cast<int64_t>(side));
  }
  MELETE_ASSIGN_OR_RETURN(const uint32_t number, cursor.number<uint32_t>(what));
  const auto type = gguf_type(number);
  if (!type)
    return invalid_argument("[", where, "] ", what, " must have a supported type, got ",
                            gguf_type_name(number), "; get or convert the model to one of ",
                            supported_gguf_types());
  entry.type = *type;
  MELETE_ASSIGN_OR_RETURN(entry.begin, cursor.number<uint64_t>(what));
  MELETE_ASSIGN_OR_RETURN(entry.size, needed_bytes(entry, where));
  return entry;
}

Result<uint64_t> read_alignment(const ParsedGguf& file, std::string_view where) {
  const auto found = file.metadata.find("general.alignment");
  if (found == file.metadata.end()) return kDefaultAlignment;
  const auto* value = std::get_if<int64_t>(&found->second);
  const uint64_t alignment = value == nullptr || *value < 0 ? 0 : static_cast<uint64_t>(*value);
  if (alignment == 0 || alignment > kMaxAlignment || (alignment & (alignment - 1)) != 0)
    return corrupt("[", where, "] general.alignment must be a power of two up to ", kMaxAlignment, ", got ",
                   to_string(found->second), "; the file is damaged, get it again");
  return alignment;
}

Status check_entries(const ParsedGguf& file, uint64_t alignment, std::string_view where) {
  std::vector<const Entry*> by_offset;
  for (const Entry& entry : file.entries) {
    if (entry.begin % alignment != 0 || entry.begin > file.data.size() ||
        entry.size > file.data.size() - entry.begin)
      return corrupt("[", where, "] tensor ", quoted_name(entry.name), " must lie within the ",
                     file.data.size(), " bytes of data at a multiple of ", alignment, ", got ", entry.size,
                     " bytes at ", entry.begin, "; the file is truncated or damaged, get it again");
    by_offset.push_back(&entry);
  }
  std::sort(by_offset.begin(), by_offset.end(),
            [](const Entry* a, const Entry* b) { return a->begin < b->begin; });
  for (size_t i = 1; i < by_offset.size(); ++i)
    if (by_offset[i]->begin < by_offset[i - 1]->begin + by_offset[i - 1]->size)
      return corrupt("[", where, "] tensor ", quoted_name(by_offset[i]->name), " must not share bytes with ",
                     quoted_name(by_offset[i - 1]->name), ", got an overlap at byte ", by_offset[i]->begin,
                     " of the data; the file is damaged, get it again");
  return ok_status();
}

Result<ParsedGguf> parse_gguf(std::string_view bytes, std::string_view where) {
  GgufCursor cursor(bytes, where);
  ParsedGguf file;
  MELETE_ASSIGN_OR_RETURN(const Counts counts, read_start(cursor, where));
  MELETE_RETURN_IF_ERROR(read_metadata(cursor, counts.metadata, file, where));
  for (uint64_t i = 0; i < counts.tensors; ++i) {
    MELETE_ASSIGN_OR_RETURN(Entry entry, read_entry(cursor, i, where));
    file.entries.push_back(std::move(entry));
  }
  MELETE_ASSIGN_OR_RETURN(const uint64_t alignment, read_alignment(file, where));
  const uint64_t begin = (cursor.position() + alignment - 1) / alignment * alignment;
  file.data = begin < bytes.size() ? bytes.substr(begin) : std::string_view();
  MELETE_RETURN_IF_ERROR(check_entries(file, alignment, where));
  return file;
}

Status add_tensors(TensorFile& tensors, const ParsedGguf& file, const std::string& where) {
  const auto path = std::make_shared<const std::string>(where);
  const auto data = std::as_bytes(std::span(file.data.data(), file.data.size()));
  for (const Entry& entry : file.entries)
    if (!tensors.add(std::string(entry.name),
                     {entry.type, entry.shape, data.subspan(entry.begin, entry.size), path}))
      return corrupt("[", where, "] tensor ", quoted_name(entry.name), " must appear once, got it in ",
                     quoted_name(*tensors.find(entry.name)->file), " too; the file is damaged, get it again");
  return ok_status();
}

int64_t integer_or(const ParsedGguf& file, std::string_view key, int64_t otherwise) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) return otherwise;
  const auto* value = std::get_if<int64_t>(&found->second);
  return value == nullptr ? -1 : *value;
}

std::string part_suffix(int64_t index, int64_t count) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "-%05lld-of-%05lld.gguf", static_cast<long long>(index + 1),
                static_cast<long long>(count));
  return text.data();
}

// The paths of all parts of a split model, in order.
Result<std::vector<std::filesystem::path>> part_paths(const std::filesystem::path& path,
                                                      const ParsedGguf& file, int64_t count) {
  const int64_t index = integer_or(file, "split.no", -1);
  const std::string name = path.filename().string();
  if (count > kMaxParts || index < 0 || index >= count || !name.ends_with(part_suffix(index, count)))
    return corrupt("[", path.string(), "] part ", index, " (from 0) of ", count, " must be named *",
                   part_suffix(0, std::max<int64_t>(count, 1)), " with its own number, got ",
                   quoted_name(name), "; give the parts their own names again");
  const std::string stem = name.substr(0, name.size() - part_suffix(index, count).size());
  std::vector<std::filesystem::path> paths;
  for (int64_t i = 0; i < count; ++i) paths.push_back(path.parent_path() / (stem + part_suffix(i, count)));
  return paths;
}

}  // namespace

Result<GgufFile> GgufFile::parse(std::string_view bytes, std::string_view where) {
  GgufFile result;
  result.tensors_ = TensorFile(std::string(where));
  MELETE_ASSIGN_OR_RETURN(ParsedGguf file, parse_gguf(bytes, where));
  if (const int64_t count = integer_or(file, "split.count", 1); count != 0 && count != 1)
    return invalid_argument("[", where, "] must be a whole model, got one of ", count,
                            " parts; open it by its path, with the others beside it");
  MELETE_RETURN_IF_ERROR(add_tensors(result.tensors_, file, std::string(where)));
  result.metadata_ = std::move(file.metadata);
  return result;
}

Result<GgufFile> GgufFile::open(const std::filesystem::path& path) {
  GgufFile result;
  result.tensors_ = TensorFile(path.string());
  std::vector<std::filesystem::path> paths = {path};
  int64_t count = 1, num_tensors = -1;
  for (size_t i = 0; i < paths.size(); ++i) {
    MELETE_ASSIGN_OR_RETURN(auto mapped, MappedFile::open(paths[i]));
    const std::string where = paths[i].string();
    MELETE_ASSIGN_OR_RETURN(ParsedGguf file, parse_gguf(mapped->bytes(), where));
    const int64_t its_count = integer_or(file, "split.count", 1);
    if (paths.size() == 1 && its_count != 1 && its_count != 0) {
      count = its_count;
      MELETE_ASSIGN_OR_RETURN(paths, part_paths(path, file, count));
      MELETE_ASSIGN_OR_RETURN(mapped, MappedFile::open(paths[0]));
      MELETE_ASSIGN_OR_RETURN(file, parse_gguf(mapped->bytes(), paths[0].string()));
    }
    if (count > 1 && (integer_or(file, "split.count", 1) != count ||
                      integer_or(file, "split.no", -1) != static_cast<int64_t>(i)))
      return corrupt("[", paths[i].string(), "] must be part ", i, " (from 0) of ", count, ", got part ",
                     integer_or(file, "split.no", -1), " of ", integer_or(file, "split.count", 1),
                     "; get the parts again");
    if (i == 0) num_tensors = integer_or(file, "split.tensors.count", -1);
    MELETE_RETURN_IF_ERROR(add_tensors(result.tensors_, file, paths[i].string()));
    if (i == 0) result.metadata_ = std::move(file.metadata);
    result.tensors_.keep(std::move(mapped));
  }
  if (count > 1 && num_tensors >= 0 && num_tensors != static_cast<int64_t>(result.tensors_.tensors().size()))
    return corrupt("[", path.string(), "] the parts must hold ", num_tensors, " tensors, got ",
                   result.tensors_.tensors().size(), "; get the parts again");
  return result;
}

}  // namespace melete
